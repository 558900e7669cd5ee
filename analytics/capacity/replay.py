"""Replays a recorded day: its own arrivals, whoever was there, and what is supposed instead.

Where the model misses (peaks that pass, edges of shifts), this does not: it plays the day chat by
chat. Handle times and patience are drawn, so a day is played several times, and means are told.
Who had how many chats of which kind is not followed: agents are alike, and what can wait is left
out.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from analytics.archive import Archive
from analytics.capacity.chat_model import Demand
from analytics.capacity.handling import LEAST_CLOSED
from analytics.capacity.history import Past, ask
from analytics.capacity.request import Wish
from analytics.capacity.simulation import Shift, play
from analytics.capacity.words import clock
from analytics.errors import WindowWrong

FORMAT = 1
METRICS = ("load_by_interval",)
RUNS = 20
Row = dict[str, Any]

_ARRIVALS = """
select cast((unix_micros(waits.requested_at) - unix_micros(params.start_utc)) / 1e6 as double)
from waits
cross join params
where
    waits.is_waiting
    and waits.requested_at >= params.start_utc
    and waits.requested_at < least(params.end_utc, params.now_utc)
order by 1 asc nulls last
"""
_AVAILABLE = """
select
    cast((unix_micros(greatest(agent_status.started_at, params.start_utc))
        - unix_micros(params.start_utc)) / 1e6 as double),
    cast((unix_micros(least(coalesce(agent_status.ended_at, params.now_utc), params.end_utc))
        - unix_micros(params.start_utc)) / 1e6 as double)
from agent_status
cross join params
where
    agent_status.is_available
    and agent_status.started_at < params.end_utc
    and coalesce(agent_status.ended_at, params.now_utc) > params.start_utc
order by 1 asc nulls last, 2 asc nulls last
"""


@dataclass(frozen=True)
class Recorded:
    """A day as it was: arrivals and times of availability in seconds since it began."""

    day: date
    arrivals: Sequence[float]
    available: Sequence[Shift]
    intervals: Sequence[Row]
    begins: Sequence[float]
    """When each interval begins."""


def read(archive: Archive) -> Recorded:
    """Return the first day of the archive's window."""
    (rows,) = ask(archive, METRICS).values()
    start = archive.window.start
    return Recorded(
        archive.window.since,
        [came for (came,) in archive.query(_ARRIVALS).rows],
        [Shift(*edges) for edges in archive.query(_AVAILABLE).rows],
        rows,
        [(row["since"] - start).total_seconds() for row in rows],
    )


def lanes(available: Sequence[Shift], more: int = 0) -> list[Shift]:
    """Return shifts that fill each instant as it was, and so many more while anybody was there.

    Who takes over from another at once goes on in his place.
    """
    steps: Counter[float] = Counter()
    for one in available:
        steps.update({one.since: 1})
        steps.subtract({one.until: 1})
    begun: list[float] = []
    shifts: list[Shift] = []
    for at in sorted(steps):
        level = len(begun) + steps[at]
        while len(begun) > level:
            shifts += _repeated(Shift(begun.pop(), at), len(begun) + 1, more)
        begun += [at] * (level - len(begun))
    return sorted(shifts, key=lambda shift: (shift.since, shift.until))


def _repeated(shift: Shift, lane: int, more: int) -> list[Shift]:
    """Return the first lane as often as asked; lanes below what is taken away are none."""
    if more < 0:
        return [] if lane <= -more else [shift]
    return [shift] * (1 + more) if lane == 1 else [shift]


@dataclass
class Tally:
    """What became of the visitors of an interval, in all runs together."""

    came: int = 0
    in_time: int = 0
    left: int = 0
    waits: list[float] = field(default_factory=list)

    def told(self) -> Row:
        """Return shares and means; None where nobody came."""
        return {
            "requested_count": self.came / RUNS,
            "service_level_ratio": self.in_time / self.came if self.came else None,
            "wait_mean_s": math.fsum(self.waits) / len(self.waits) if self.waits else None,
            "abandoned_ratio": self.left / self.came if self.came else None,
        }


def replayed(recorded: Recorded, past: Past, wish: Wish) -> tuple[list[Row], Row]:
    """Return what each interval, and the whole day, would have been like."""
    history = past.history(wish.max_chats, wish.handling)
    shifts = lanes(recorded.available, round(wish.assumptions.more_agents))
    answer_in = wish.assumptions.target.answer_in
    tallies = [Tally() for _ in recorded.begins]
    whole = Tally()
    for seed in range(RUNS):
        arrivals = list(_scaled(recorded, wish.volume, past.interval_minutes * 60, seed))
        demand = Demand(0.0, history.handle_times, history.patience)
        places = Counter(_place(recorded, came) for came in arrivals)
        for place, count in places.items():
            tallies[place].came += count
            whole.came += count
        for visit in play(arrivals, shifts, demand, seed):
            for tally in (tallies[_place(recorded, visit.came)], whole):
                tally.in_time += visit.is_answered and visit.waited <= answer_in
                tally.left += not visit.is_answered
                tally.waits.append(visit.waited)
    return [tally.told() for tally in tallies], whole.told()


def _place(recorded: Recorded, came: float) -> int:
    return max(0, bisect_right(recorded.begins, came) - 1)


def _scaled(recorded: Recorded, volume: float, length: float, seed: int) -> Iterator[float]:
    """Yield the arrivals, some of them left out or others added in the same interval."""
    chance = random.Random(f"arrivals/{seed}")  # noqa: S311 (a play)
    for came in recorded.arrivals:
        copies = math.floor(volume) + (chance.random() < volume % 1)
        if copies:
            yield came
        for _ in range(copies - 1):
            yield recorded.begins[_place(recorded, came)] + chance.random() * length


def build(recorded: Recorded, past: Past, wish: Wish, supposed: Wish | None) -> Row:
    """Return the day as it was, as it is played, and as it would have been."""
    if not past.pooled:
        raise WindowWrong(
            f"{recorded.day}: cannot be replayed: fewer than {LEAST_CLOSED} live chats were done"
            " in the history, so handle times are not known; give more of it with --since"
        )
    parts = {"played": replayed(recorded, past, wish)}
    if supposed is not None:
        parts["supposed"] = replayed(recorded, past, supposed)
    intervals = []
    for number, row in enumerate(recorded.intervals):
        told = _observed(row)
        for name, (rows, _) in parts.items():
            told |= {f"{name}_{key}": value for key, value in rows[number].items()}
        intervals.append(told)
    return {
        "format": FORMAT,
        "project_id": past.project_id,
        "tz": past.tz,
        "date": recorded.day.isoformat(),
        "runs": RUNS,
        "answer_in": wish.assumptions.target.answer_in,
        "intervals": intervals,
        "whole": _whole(recorded.intervals)
        | {
            f"{name}_{key}": value
            for name, (_, whole) in parts.items()
            for key, value in whole.items()
        },
    }


def _observed(row: Row) -> Row:
    count = row["requested_count"]
    return {
        "time": clock(row["minute"]),
        "since": f"{row['since']:%Y-%m-%dT%H:%M:%S}Z",
        "coverage_ratio": row["coverage_ratio"],
        "agents_mean": row["agents_mean"],
        "requested_count": count,
        "service_level_ratio": row["accepted_in_time_count"] / count if count else None,
        "wait_mean_s": row["wait_mean_s"],
    }


def _whole(rows: Sequence[Row]) -> Row:
    count = sum(row["requested_count"] for row in rows)
    waited = sum((row["wait_mean_s"] or 0.0) * row["requested_count"] for row in rows)
    return {
        "coverage_ratio": sum(row["coverage_ratio"] for row in rows) / len(rows),
        "requested_count": count,
        "service_level_ratio": sum(row["accepted_in_time_count"] for row in rows) / count
        if count
        else None,
        "wait_mean_s": waited / count if count else None,
    }
