"""Reads from an open archive what a plan is made from; what little of it is not known stays so.

The archive's window is the history. It asks metrics by their names and shapes their rows; it
computes nothing that they could say themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from analytics import metrics
from analytics.archive import Archive
from analytics.capacity.calibration import Observed
from analytics.capacity.forecast import Count, Grid
from analytics.capacity.handling import Pool, Seen, handle_times, pools
from analytics.capacity.plan import History
from analytics.errors import SettingWrong
from analytics.hours import OpeningHours
from analytics.window import Window, midnight, zone

METRICS = ("load_by_interval", "handle_time_by_concurrency", "patience_mean", "deferred_work")
MINUTES = 24 * 60
RECORDED = 0.95
"""An interval of which less was recorded is unknown."""
LEAST_LEFT = 30
"""Visitors who gave up, below which their patience is unknown."""

Row = dict[str, Any]
Span = tuple[datetime, datetime]
"""From one instant to another, UTC."""
Told = Mapping[str, Sequence[Row]]
"""Rows by the names of metrics."""


@dataclass(frozen=True)
class Past:
    """What was seen: intervals, handle times pooled, patience, work that can wait, by channel."""

    project_id: str
    tz: str
    department: str | None
    """Whose chats these are; None: everybody's."""
    intervals: Sequence[Row]
    pooled: Sequence[Pool]
    seen: Sequence[Seen]
    patience: float | None
    patience_count: int
    deferred: Sequence[Row]
    first: date
    days: int
    interval_minutes: int
    holidays: frozenset[date] = frozenset()
    borrowed: Sequence[str] = ()
    """What is too little known of the department, and so taken from the whole project."""
    opened: Sequence[Span] | None = None
    """When the desk is open, in order, also in the weeks to plan; None: nobody says."""

    @property
    def recorded_days(self) -> float:
        """The days that were recorded, their parts added up."""
        recorded = sum(row["coverage_ratio"] for row in self.intervals)
        return float(recorded * self.interval_minutes / MINUTES)

    def is_open(self, since: datetime) -> bool:
        """Tell whether the desk is open in an interval, or a part of it."""
        if self.opened is None:
            return True
        until = since + timedelta(minutes=self.interval_minutes)
        after = bisect_right(self.opened, since, key=lambda span: span[1])
        return after < len(self.opened) and self.opened[after][0] < until

    def history(self, chats: int, handling: float = 1.0, volume: float = 1.0) -> History:
        """Return what a plan is made from; the last two scale handle times and arrivals."""
        return History(
            self._grid(lambda row: row["requested_count"] * volume),
            self._grid(lambda row: row["agents_mean"], is_sum=False),
            self.interval_minutes * 60.0,
            tuple(one * handling for one in handle_times(self.pooled, chats)),
            self.patience,
        )

    def observed(self) -> Iterable[Observed]:
        """Return the intervals by which the model is calibrated."""
        for row in self.intervals:
            is_known = row["coverage_ratio"] >= RECORDED and row["agents_mean"] is not None
            if is_known and self.is_open(row["since"]):
                yield Observed(
                    row["weekday"],
                    row["minute"],
                    row["coverage_ratio"] * self.interval_minutes * 60,
                    row["requested_count"],
                    row["accepted_in_time_count"],
                    (row["wait_mean_s"] or 0.0) * row["requested_count"],
                    row["agents_mean"],
                )

    def _grid(self, value: Callable[[Row], Count], *, is_sum: bool = True) -> Grid:
        """Return a column by day and interval; an hour that the clock repeats counts as one."""
        slots = MINUTES // self.interval_minutes
        found: dict[tuple[date, int], list[Count]] = defaultdict(list)
        for row in self.intervals:
            known = value(row) if row["coverage_ratio"] >= RECORDED else None
            if known is not None and is_sum:
                known /= row["coverage_ratio"]
            found[row["date"], row["minute"] // self.interval_minutes].append(known)
        days = [
            [_mean(found.get((self.first + timedelta(days=number), slot))) for slot in range(slots)]
            for number in range(self.days)
        ]
        return Grid(self.first, days, self.holidays)


def _mean(values: list[Count] | None) -> Count:
    known = [one for one in values or () if one is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Calendar:
    """What the opening hours say: days that are no usual days, and when the desk is open."""

    closed: frozenset[date] = frozenset()
    opened: Sequence[Span] | None = None


def calendar(hours: OpeningHours | None, window: Window, ahead: timedelta) -> Calendar:
    """Return what a project's opening hours say of the history and of the time after it."""
    if hours is None or "" not in hours.calendars:
        return Calendar()
    until = window.until + ahead
    own = hours.calendars[""]
    end = midnight(until, zone(window.tz))
    return Calendar(own.closed(window.since, until), own.between(window.start, end, window.tz))


def ask(archive: Archive, names: Iterable[str] = METRICS) -> dict[str, list[Row]]:
    """Return what the archive's window tells, by metric; of totals, those of the whole window."""
    is_day = (archive.window.until - archive.window.since).days == 1
    return {
        name: [
            row
            for row in metrics.run(archive, name).records()
            if name == "load_by_interval" or is_day or row.get("date") is None
        ]
        for name in names
    }


def joined(parts: Sequence[Told]) -> dict[str, list[Row]]:
    """Return what windows that follow each other tell together."""
    return {name: [row for part in parts for row in part[name]] for name in parts[0]}


def departments(told: Told) -> list[str]:
    """Return the departments that had chats, of what is broken down by them."""
    return sorted({row["department"] for row in told["load_by_interval"]})


def of_department(told: Told, department: str) -> dict[str, list[Row]]:
    """Return the rows of one department, or say which there are."""
    known = departments(told)
    if department not in known:
        listed = ", ".join(known) or "none"
        raise SettingWrong(f"department {department!r}: no chats of it in these days; of {listed}")
    return {
        name: [row for row in rows if row["department"] == department]
        for name, rows in told.items()
    }


def past(
    archive: Archive,
    told: Told,
    known: Calendar | None = None,
    department: str | None = None,
    window: Window | None = None,
) -> Past:
    """Return what was seen in a window (the archive's, if not said), from its metrics' rows."""
    own = told if department is None else of_department(told, department)
    seen = _seen(own["handle_time_by_concurrency"])
    patience, left = _patience(own["patience_mean"])
    borrowed = []
    if department is not None and not pools(seen):
        seen = _seen(told["handle_time_by_concurrency"])
        borrowed.append("handle times")
    if department is not None and patience is None:
        patience, left = _patience(told["patience_mean"])
        borrowed.append("patience")
    window = window or archive.window
    return Past(
        project_id=archive.project_id,
        tz=window.tz,
        department=department,
        intervals=own["load_by_interval"],
        pooled=pools(seen),
        seen=seen,
        patience=patience,
        patience_count=left,
        deferred=_deferred(own.get("deferred_work", ())),
        first=window.since,
        days=(window.until - window.since).days,
        interval_minutes=archive.settings.interval_minutes,
        holidays=(known or Calendar()).closed,
        borrowed=borrowed,
        opened=(known or Calendar()).opened,
    )


def _seen(rows: Sequence[Row]) -> list[Seen]:
    """Return times and chats by how many their agent had, of whatever rows tell of them."""
    found: dict[int, Seen] = {}
    for row in rows:
        number = row["concurrency"]
        before = found.get(number, Seen(number, 0.0, 0))
        found[number] = Seen(
            number, before.chat_s + row["chat_s"], before.closed + row["closed_count"]
        )
    return [found[number] for number in sorted(found)]


def _patience(rows: Sequence[Row]) -> tuple[float | None, int]:
    """Return mean patience, None if too few gave up to tell, and how many did."""
    waited = sum(row["wait_total_s"] or 0.0 for row in rows)
    left = sum(row["left_count"] for row in rows)
    return (waited / left if left >= LEAST_LEFT else None), left


def _deferred(rows: Sequence[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        one = found.setdefault(row["channel"], {"sessions_count": 0, "active_s": 0.0})
        for name in one:
            one[name] += row[name]
    return [{"channel": channel} | one for channel, one in sorted(found.items())]
