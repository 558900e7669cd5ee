"""From a history to a plan: what to expect in each interval, and how many agents that takes.

Pure: a history that was read elsewhere goes in, rows come out. A plan promises no more than its
parts: the forecast is used only if it beat last week's figures on weeks that it did not know.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from analytics.capacity import multiseasonal
from analytics.capacity.chat_model import Demand
from analytics.capacity.forecast import (
    LEAST_DAYS,
    WEEK,
    Grid,
    Model,
    Scores,
    Trial,
    dispersion,
    quantile,
    score,
    seasonal_naive,
    seasonal_profile,
    trials,
)
from analytics.capacity.staffing import Expected, Target, expected, required, rostered

NAIVE = "seasonal naive"
PROFILE = "seasonal profile"
TRIAL_WEEKS = 4
ROSTER_WEEKS = 4
"""Who was there is the mean of so many last same weekdays."""
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Assumptions:
    """What a plan takes for granted. `shrinkage`: share of the rostered who are not there."""

    target: Target = field(default_factory=Target)
    shrinkage: float = 0.3
    more_agents: float = 0.0
    """How many more, or fewer, are supposed to be there while anybody is."""


@dataclass(frozen=True)
class History:
    """What a plan is made from.

    `arrivals`: chats that came to need a human. `present`: agents available, on the same grid.
    `handle_times`: seconds for 1, 2, … chats at once; `patience`: mean seconds, None if unknown.
    """

    arrivals: Grid
    present: Grid
    interval_s: float
    handle_times: tuple[float, ...]
    patience: float | None

    def demand(self, chats: float) -> Demand:
        """Return the demand of so many chats in an interval."""
        return Demand(chats / self.interval_s, self.handle_times, self.patience)


@dataclass(frozen=True)
class Forecaster:
    """The model that a plan uses, how it and the naive one did on known weeks, and its band.

    `ahead`: how many weeks before each of those weeks they were asked; 0 if none could be tried.
    """

    name: str
    ahead: int
    model: Model
    spread: float
    scores: dict[str, Scores]
    done: Sequence[Trial]


@dataclass(frozen=True)
class Planned:
    """An interval of a plan. Chats of the whole interval, agents, seconds, shares 0 to 1.

    `load`: erlangs of an agent with one chat at once. `planned`: what to expect of the agents
    required. `available` and `gap`: agents that were there lately, and how many more than
    required; `as_is`: what to expect of them. None: unknown.
    """

    date: date
    minute: int
    forecast: float
    low: int
    high: int
    load: float
    required: int
    required_high: int
    rostered: int
    planned: Expected
    available: float | None
    gap: float | None
    as_is: Expected | None


def models() -> dict[str, Model]:
    """Return what may forecast: the last same weekday, and what has to beat it."""
    offered: dict[str, Model] = {NAIVE: seasonal_naive, PROFILE: seasonal_profile}
    if multiseasonal.is_installed():
        offered[multiseasonal.NAME] = multiseasonal.MultiSeasonal()
    return offered


def choose(history: Grid, weeks: int) -> Forecaster | None:
    """Return the model that did best on the last weeks; None: too little is known to forecast."""
    if history.known_days < LEAST_DAYS:
        return None
    offered = models()
    for ahead in range(weeks, -1, -1):
        tried = {
            name: list(trials(history, model, TRIAL_WEEKS, ahead)) if ahead else []
            for name, model in offered.items()
        }
        if any(tried.values()):
            break
    spreads = {name: dispersion(done) for name, done in tried.items()}
    scores = {name: score(done, spreads[name]) for name, done in tried.items()}
    best = min(tried, key=lambda name: (_wape(scores[name]), name != NAIVE))
    return Forecaster(best, ahead, offered[best], spreads[best], scores, tried[best])


def _wape(scores: Scores) -> float:
    return math.inf if scores.wape is None else scores.wape


def plan(
    history: History, forecaster: Forecaster, assumptions: Assumptions, weeks: int
) -> Iterator[Planned]:
    """Yield the intervals of the next weeks; those that cannot be forecast are left out."""
    first = history.arrivals.after
    for number in range(WEEK * weeks):
        when = first + timedelta(days=number)
        there = _present(history.present, when)
        for slot, mean in enumerate(forecaster.model(history.arrivals, when)):
            if mean is not None:
                minute = round(slot * history.interval_s / 60)
                yield _row(history, forecaster, assumptions, (when, minute), mean, there[slot])


def _row(
    history: History,
    forecaster: Forecaster,
    assumptions: Assumptions,
    begins: tuple[date, int],
    mean: float,
    there: float | None,
) -> Planned:
    target = assumptions.target
    high = quantile(mean, forecaster.spread, HIGH)
    demand = history.demand(mean)
    needed = required(demand, target).agents
    if there is not None:
        there = max(0.0, there + assumptions.more_agents * min(1.0, there))
    return Planned(
        date=begins[0],
        minute=begins[1],
        forecast=mean,
        low=quantile(mean, forecaster.spread, LOW),
        high=high,
        load=demand.arrival_rate * history.handle_times[0],
        required=needed,
        required_high=required(history.demand(high), target).agents,
        rostered=rostered(needed, assumptions.shrinkage),
        planned=expected(demand, needed, target.answer_in),
        available=there,
        gap=None if there is None else there - needed,
        as_is=None if there is None else expected(demand, there, target.answer_in),
    )


def _present(grid: Grid, when: date) -> list[float | None]:
    """Return how many agents were there on the last same weekdays, interval by interval."""
    back = [when - timedelta(days=WEEK * n) for n in range(1, 1 + WEEK * ROSTER_WEEKS)]
    days = [day for one in back if (day := grid.day(one)) is not None][:ROSTER_WEEKS]
    slots = len(grid.days[0]) if grid.days else 0
    means: list[float | None] = []
    for slot in range(slots):
        known = [value for day in days if (value := day[slot]) is not None]
        means.append(math.fsum(known) / len(known) if known else None)
    return means


@dataclass(frozen=True)
class StaffingError:
    """Had the last weeks been staffed by the forecast: shares of intervals 0 to 1."""

    intervals: int
    under: float | None
    """Short of at least one agent."""
    over: float | None
    """At least one agent too many."""


def staffing_error(
    history: History, forecaster: Forecaster, assumptions: Assumptions
) -> StaffingError:
    """Return how often the forecast would have planned too few or too many agents."""
    differences = [
        required(history.demand(one.forecast), assumptions.target).agents
        - required(history.demand(one.came), assumptions.target).agents
        for one in forecaster.done
    ]
    count = len(differences)
    if not count:
        return StaffingError(0, None, None)
    under = sum(one < 0 for one in differences) / count
    over = sum(one > 0 for one in differences) / count
    return StaffingError(count, under, over)
