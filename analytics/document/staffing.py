"""Says how many agents each interval of a day took, by how long its own chats took.

What came is known, so nothing is forecast: the model of `analytics.capacity` is asked how many
agents would have kept the target with the chats that did come. A desk so small that a day does not
tell how long chats take is looked at for some weeks, which are as cheap to read as they are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from analytics.archive import Archive
from analytics.capacity import history
from analytics.capacity.calibration import LEAST_CHATS, Calibration, calibrate
from analytics.capacity.handling import LEAST_CLOSED
from analytics.capacity.history import RECORDED, Past
from analytics.capacity.plan import History
from analytics.capacity.staffing import Target, required
from analytics.capacity.words import clock
from analytics.comparison import Reopen
from analytics.report import plain
from analytics.window import DAY

Row = dict[str, Any]

METRICS = ("load_by_interval", "handle_time_by_concurrency", "patience_mean")
MOST_CHATS = 3
"""How many chats at once are counted with, if nothing says how many an agent may have."""
WEEKS = timedelta(weeks=4)
"""How long it is looked at how long chats take, where a day's are too few."""


class Staffing(NamedTuple):
    """A day's intervals with `agents_required`, or why there are none; what it rests on."""

    rows: Sequence[Row]
    target: Target
    chats: int
    told: str
    fits: bool | None = None
    """Whether the model describes this desk; None: nobody can tell."""


def staffing(archive: Archive, reopen: Reopen) -> Staffing | None:
    """Return what a day took; nothing of an archive that is open for several."""
    settings, window = archive.settings, archive.window
    if len(window.days()) > 1:
        return None
    target = Target(answer_in=settings.answer_target_s)
    chats = settings.chat_limit or MOST_CHATS
    day = _past(archive)
    if all(row["coverage_ratio"] < RECORDED for row in day.intervals):
        return Staffing((), target, chats, "no interval of the day was recorded")
    past, basis, least = day, "as they did", 1
    if not day.pooled:
        wider = replace(window, since=window.until - WEEKS)
        with reopen(wider, only=METRICS, at_most=DAY) as weeks:
            past, basis, least = _past(weeks), "as in the four weeks before", LEAST_CHATS
    if not past.pooled:
        done = sum(one.closed for one in past.seen)
        why = f"{done} live chats were done in four weeks; {LEAST_CLOSED} tell how long they take"
        return Staffing((), target, chats, why)
    known = past.history(chats)
    found = calibrate(past.observed(), known.demand(0), target.answer_in, least)
    told = f"with chats taking as long {basis}; {_fit(found)}"
    return Staffing(_rows(day, known, target), target, chats, told, found.fits)


def _past(archive: Archive) -> Past:
    return history.past(archive, history.ask(archive, METRICS))


def _rows(day: Past, known: History, target: Target) -> list[Row]:
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
        for row in day.intervals
    ]


def _fit(found: Calibration) -> str:
    """Return how far the model is to be trusted on this desk."""
    if found.difference is None:
        return "nothing to compare the model with"
    points = f"{100 * found.difference:+.0f} points".replace("-", "−")
    return f"the model is {points} off what happened" + (
        "" if found.fits else ": it does not fit this desk, so read it as a rough guide"
    )


def told(found: Staffing | None) -> Row:
    """Return what a report has to say of the agents, under `staffing`; nothing of several days."""
    if found is None:
        return {}
    known = [
        row
        for row in found.rows
        if row["agents_required"] is not None and row["agents_mean"] is not None
    ]
    short = [row for row in known if row["agents_mean"] < row["agents_required"]]
    short.sort(key=lambda row: row["agents_mean"] - row["agents_required"])
    told = {
        "service_level": found.target.service_level,
        "answer_in": found.target.answer_in,
        "max_chats": found.chats,
        "basis": found.told,
        "fits": found.fits,
        "intervals_count": len(known),
        "short_count": len(short),
        "worst": _interval(short[0]) if short else None,
        "intervals": [_interval(row) for row in known],
    }
    return {"staffing": told}


def _interval(row: Row) -> Row:
    return {
        "since": plain(row["since"]),
        "time": clock(row["minute"]),
        "requested_count": row["requested_count"],
        "agents_required": row["agents_required"],
        "agents_available": row["agents_mean"],
    }
