"""Local days and what a number of a day is made of: periods, means, percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]


@dataclass(frozen=True)
class Period:
    """A local day, or, with no date, the whole window; the last instant is not in it."""

    date: date | None
    since: int
    until: int

    def has(self, at: int | None) -> bool:
        """Tell whether an instant is in it."""
        return at is not None and self.since <= at < self.until


@dataclass(frozen=True)
class Window:
    """The local days [first, after), asked about at an instant, when a recorder had covered."""

    first: date
    after: date
    zone: ZoneInfo
    now: int
    covered: tuple[tuple[int, int], ...]

    @property
    def days(self) -> list[Period]:
        """Each local day."""
        count = (self.after - self.first).days
        dates = [self.first + timedelta(days=number) for number in range(count)]
        return [
            Period(day, self._midnight(day), self._midnight(day + timedelta(days=1)))
            for day in dates
        ]

    @property
    def whole(self) -> Period:
        """The whole window."""
        return Period(None, self.days[0].since, self.days[-1].until)

    @property
    def periods(self) -> list[Period]:
        """Each local day, and the whole window if it has several."""
        return [*self.days, self.whole] if len(self.days) > 1 else self.days

    def hour(self, at: int) -> int:
        """Return the local hour of the day."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone).hour

    def covered_ms(self, since: int, until: int) -> int:
        """Return for how much of a time, up to now, a recorder vouches."""
        until = min(until, self.now)
        return sum(max(0, min(until, end) - max(since, begin)) for begin, end in self.covered)

    def _midnight(self, day: date) -> int:
        return round(datetime.combine(day, time(), self.zone).timestamp() * 1000)


def mean(values: Iterable[float]) -> float | None:
    """Return the mean; of nothing it is unknown."""
    known = list(values)
    return sum(known) / len(known) if known else None


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the value below which a share lies, between two neighbours in proportion."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(seconds: Sequence[float]) -> Row:
    """Return the three percentiles and the mean that every duration is told by."""
    return {
        "p50_s": percentile(seconds, 0.5),
        "p90_s": percentile(seconds, 0.9),
        "p95_s": percentile(seconds, 0.95),
        "mean_s": mean(seconds),
    }
