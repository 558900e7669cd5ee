"""Says how many agents each interval of a day took, by what chats took in the weeks before.

What came is known, so nothing is forecast: the model of `analytics.capacity` is asked how many
agents would have kept the target with the chats that did come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from analytics.archive import Archive
from analytics.capacity import history
from analytics.capacity.calibration import calibrate
from analytics.capacity.handling import LEAST_CLOSED
from analytics.capacity.history import RECORDED, Past
from analytics.capacity.staffing import Target, required

Row = dict[str, Any]

METRICS = ("load_by_interval", "handle_time_by_concurrency", "patience_mean")
MOST_CHATS = 3
"""How many chats at once are counted with, if nothing says how many an agent may have."""


class Staffing(NamedTuple):
    """A day's intervals with `agents_required`, or why there are none; what it rests on."""

    rows: Sequence[Row]
    target: Target
    chats: int
    told: str


def staffing(archive: Archive, day: date) -> Staffing:
    """Return what a day took, the last one of an archive's window of some weeks."""
    settings = archive.settings
    target = Target(answer_in=settings.answer_target_s)
    chats = settings.chat_limit or MOST_CHATS
    past = history.past(archive, history.ask(archive, METRICS))
    if not past.pooled:
        done = sum(one.closed for one in past.seen)
        why = f"{done} live chats were done in these weeks; {LEAST_CLOSED} tell how long they take"
        return Staffing((), target, chats, why)
    rows = _rows(past, day, target, chats)
    if all(row["agents_required"] is None for row in rows):
        return Staffing((), target, chats, "no interval of the day was recorded")
    return Staffing(rows, target, chats, _fit(past, target, chats))


def _rows(past: Past, day: date, target: Target, chats: int) -> list[Row]:
    known = past.history(chats)

    @cache
    def needed(count: float) -> int:
        return required(known.demand(count), target).agents

    return [
        row
        | {
            "agents_required": needed(round(row["requested_count"] / row["coverage_ratio"], 3))
            if row["coverage_ratio"] >= RECORDED
            else None
        }
        for row in past.intervals
        if row["date"] == day
    ]


def _fit(past: Past, target: Target, chats: int) -> str:
    """Return how far the model is to be trusted on this desk."""
    found = calibrate(past.observed(), past.history(chats).demand(0), target.answer_in)
    if found.difference is None:
        return "nothing to compare the model with"
    points = f"{100 * found.difference:+.0f} points".replace("-", "−")
    return f"on the weeks before the model is {points} off" + (
        "" if found.fits else ": it does not fit this desk, so read it as a rough guide"
    )
