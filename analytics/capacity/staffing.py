"""How many agents a target needs, and how many to put on the roster for it."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from analytics.capacity.chat_model import Demand, Performance, solve
from analytics.errors import SettingWrong

MOST_AGENTS = 100_000
_ROUNDING = 1e-9
"""A quotient that is whole but for the last digits of a double is whole."""


@dataclass(frozen=True)
class Target:
    """What a plan promises. Shares 0 to 1; `answer_in` in seconds.

    `max_occupancy` bounds the share of slots in use (for one chat an agent: of agents at work).
    """

    service_level: float = 0.8
    answer_in: float = 60.0
    max_occupancy: float = 0.85
    max_abandoned: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be promised."""
        if not 0 < self.service_level < 1:
            raise ValueError(f"service level {self.service_level}: give more than 0, less than 1")
        if not (0 < self.max_occupancy <= 1 and 0 <= self.max_abandoned <= 1):
            raise ValueError("occupancy and abandonment: give shares of at most 1")

    def is_met(self, performance: Performance | None) -> bool:
        """Tell whether a desk keeps the promise; one that is understaffed does not."""
        return (
            performance is not None
            and performance.service_level >= self.service_level
            and performance.slot_use <= self.max_occupancy
            and performance.abandoned <= self.max_abandoned
        )


def required(demand: Demand, target: Target) -> Performance:
    """Return what the fewest agents do that meet the target; no agents where nothing comes in."""
    if demand.arrival_rate == 0:
        return Performance(0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)

    def enough(agents: int) -> bool:
        return target.is_met(solve(demand, agents, target.answer_in))

    most = max(1, _fluid(demand, target))
    while not enough(most):
        most *= 2
        if most > MOST_AGENTS:
            raise SettingWrong(f"target: takes more than {MOST_AGENTS} agents; ask for less")
    found = solve(demand, bisect_left(range(most), True, key=enough), target.answer_in)
    assert found is not None
    return found


def _fluid(demand: Demand, target: Target) -> int:
    """Return how many agents it would take if chats came and went evenly: where to look first."""
    chats = len(demand.handle_times)
    busy = demand.arrival_rate * demand.handle_times[-1] / chats
    return min(MOST_AGENTS, math.ceil(busy / target.max_occupancy))


def rostered(agents: float, shrinkage: float) -> int:
    """Return how many agents to plan so that so many are there; `shrinkage` is the share away."""
    if not 0 <= shrinkage < 1:
        raise ValueError(f"shrinkage {shrinkage}: give a share below 1")
    return math.ceil(agents / (1 - shrinkage) - _ROUNDING)


@dataclass(frozen=True)
class Expected:
    """What to expect of agents who are there for a part of an interval. None: understaffed.

    `occupancy` and `slot_use` are also None where nobody is there: no slot is in use, none free.
    """

    service_level: float | None
    wait_mean: float | None
    abandoned: float | None
    occupancy: float | None
    slot_use: float | None
    concurrency: float | None


def expected(demand: Demand, agents: float, answer_in: float) -> Expected:
    """Return what so many agents do; between two whole numbers, in proportion.

    Shares of agents and of their slots are in proportion to the agents' time, not the clock's.
    """
    below = math.floor(agents)
    share = agents - below
    less = solve(demand, below, answer_in)
    more = solve(demand, below + 1, answer_in) if share else less
    if less is None or more is None:
        return Expected(None, None, None, None, None, None)
    present = (below + 1) * share / agents if agents else None

    def mean(name: str, weight: float) -> float:
        return float(getattr(less, name) * (1 - weight) + getattr(more, name) * weight)

    return Expected(
        service_level=mean("service_level", share),
        wait_mean=mean("wait_mean", share),
        abandoned=mean("abandoned", share),
        occupancy=None if present is None else mean("occupancy", present),
        slot_use=None if present is None else mean("slot_use", present),
        concurrency=mean("concurrency", share),
    )
