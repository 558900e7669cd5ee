"""Reads everything that a document shows: the report, and the series that its pictures need.

A chosen few metrics are told alone; the pictures belong to the whole report. What a single day
shows through its hours, several days do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from analytics import comparison, metrics, queries
from analytics.archive import Archive
from analytics.document import staffing
from analytics.document.clock import Clock
from analytics.document.staffing import WEEKS, Staffing
from analytics.report import build, records
from analytics.request import Request
from analytics.window import Window

DAY = timedelta(days=1)
BESIDE = ("patience", *staffing.METRICS)
"""Metrics of the whole report's pictures, besides those that it tells."""
BY_HOUR = ("service_level", "first_response_human")
OF_WEEKS = ("arrivals_by_weekday_hour",)

Row = dict[str, Any]
Progress = Callable[[tuple[str, ...]], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Day:
    """A single day through its hours."""

    clock: Clock
    reached: float
    """How many hours of it are over."""
    backlog: Sequence[Row]
    intervals: Sequence[Row]
    timeline: Sequence[Row]
    staffing: Staffing


@dataclass(frozen=True)
class Material:
    """What a document is made from; what only the whole report has is empty without it."""

    report: Row
    day: Day | None = None
    patience: Sequence[Row] = ()
    hours: dict[str, list[Row]] = field(default_factory=dict)
    """Metrics by the hour of the local clock, of the whole window."""
    week: Sequence[Row] = ()
    week_since: date | None = None


def report_of(
    request: Request, window: Window, names: tuple[str, ...], *, compare: bool, progress: Progress
) -> Row:
    """Read the report of a window alone."""
    with request.open_at(window, only=names) as archive:
        return _report(request, archive, names, compare=compare, progress=progress)


def read(
    request: Request, window: Window, names: tuple[str, ...], *, compare: bool, progress: Progress
) -> Material:
    """Read the report of a window and what belongs to it, one beside the other."""
    if not set(queries.REPORT) <= set(names):
        return Material(report_of(request, window, names, compare=compare, progress=progress))
    request.folder.unsealed  # noqa: B018 (read once, before the archive is opened twice)
    with ThreadPoolExecutor() as pool, request.open_at(window, only=(*names, *BESIDE)) as archive:
        hours = pool.submit(_hours, request, window)
        weeks = pool.submit(_weeks, request, window)
        report = _report(request, archive, names, compare=compare, progress=progress)
        patience = _rows(archive, "patience")
        needed = staffing.staffing(archive, request.open_at)
        report |= staffing.told(needed)
        day = _day(archive, needed)
        return Material(report, day, patience, hours.result(), *weeks.result())


def _report(
    request: Request,
    archive: Archive,
    names: tuple[str, ...],
    *,
    compare: bool,
    progress: Progress,
) -> Row:
    with progress(names) as asked:
        report = build(archive, asked)
    if compare:
        report |= comparison.compare(report, archive, request.open_at)
    return report


def _hours(request: Request, window: Window) -> dict[str, list[Row]]:
    """Return metrics by hour: of a day, or of all days together."""
    with request.open_at(window, breakdown="hour", only=BY_HOUR) as archive:
        told = {name: _rows(archive, name) for name in BY_HOUR}
    return {
        name: [row for row in rows if row["date"] == rows[-1]["date"]]
        for name, rows in told.items()
    }


def _weeks(request: Request, window: Window) -> tuple[Sequence[Row], date]:
    """Return when chats come, in the weeks that end with the window, and since when."""
    since = min(window.since, window.until - WEEKS)
    wider = replace(window, since=since)
    with request.open_at(wider, only=OF_WEEKS, at_most=DAY) as archive:
        return _rows(archive, "arrivals_by_weekday_hour"), since


def _day(archive: Archive, needed: Staffing | None) -> Day | None:
    window = archive.window
    if needed is None:
        return None
    clock = Clock.of(window.since, window.tz)
    reached = clock.hours(min(window.now, window.end))
    backlog = records(archive.query("select * from backlog_by_interval order by since").records())
    ends = {row["since"]: row["until"] for row in backlog}

    def ended(rows: Sequence[Row]) -> list[Row]:
        told = [row | {"until": ends[row["since"]]} for row in records(list(rows))]
        return [row for row in told if clock.hours(row["since"]) < reached]

    timeline = archive.query("select * from agent_timeline order by agent_name, agent_id, since")
    return Day(
        clock,
        reached,
        [row for row in backlog if clock.hours(row["since"]) < reached],
        ended(metrics.run(archive, "load_by_interval").records()),
        records(timeline.records()),
        needed._replace(rows=ended(needed.rows)),
    )


def _rows(archive: Archive, name: str) -> list[Row]:
    return records(metrics.run(archive, name).records())
