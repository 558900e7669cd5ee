"""Reads from an open archive what a plan is made from; what little of it is not known stays so.

The archive's window is the history. It asks metrics by their names and shapes their rows; it
computes nothing that they could say themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from analytics import metrics
from analytics.archive import Archive
from analytics.capacity.calibration import Observed
from analytics.capacity.forecast import Count, Grid
from analytics.capacity.handling import Pool, Seen, handle_times, pools
from analytics.capacity.plan import History

MINUTES = 24 * 60
RECORDED = 0.95
"""An interval of which less was recorded is unknown."""
LEAST_LEFT = 30
"""Visitors who gave up, below which their patience is unknown."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Past:
    """What was seen: intervals, handle times pooled, patience, work that can wait, by channel."""

    intervals: Sequence[Row]
    pooled: Sequence[Pool]
    seen: Sequence[Seen]
    patience: float | None
    patience_count: int
    deferred: Sequence[Row]
    first: date
    days: int
    interval_minutes: int
    holidays: frozenset[date]

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
            if row["coverage_ratio"] >= RECORDED and row["agents_mean"] is not None:
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


def read(
    archive: Archive, holidays: frozenset[date] = frozenset(), department: str | None = None
) -> Past:
    """Return what the archive's window tells; of one department, if it is broken down by them."""
    intervals = metrics.run(archive, "load_by_interval").records()
    if department is not None:
        intervals = [row for row in intervals if row["department"] == department]
    seen = [
        Seen(row["concurrency"], row["chat_s"], row["closed_count"])
        for row in metrics.run(archive, "handle_time_by_concurrency").records()
    ]
    patience = metrics.run(archive, "patience_mean").records()
    return Past(
        intervals=intervals,
        pooled=pools(seen),
        seen=seen,
        patience=patience[-1]["patience_mean_s"],
        patience_count=patience[-1]["left_count"],
        deferred=metrics.run(archive, "deferred_work").records(),
        first=archive.window.since,
        days=(archive.window.until - archive.window.since).days,
        interval_minutes=archive.settings.interval_minutes,
        holidays=holidays,
    )
