"""What is asked: local days, a breakdown, targets, opening hours; and what a figure is made of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Span = tuple[int, int]
"""From an instant until just before another."""

ZONE = ZoneInfo("Europe/Rome")
"""Where the desk is."""
QUARTER = 15 * 60_000
HOUR = 4 * QUARTER


@dataclass(frozen=True)
class Period:
    """A local day, or its hours of one name; without a date, the whole window, or those of it."""

    date: date | None
    bucket: str | None
    spans: tuple[Span, ...]

    @property
    def since(self) -> int:
        """Its first instant."""
        return self.spans[0][0]

    @property
    def until(self) -> int:
        """The first instant after it."""
        return self.spans[-1][1]

    def has(self, at: int | None) -> bool:
        """Tell whether an instant is in it."""
        return at is not None and any(since <= at < until for since, until in self.spans)


@dataclass(frozen=True)
class Targets:
    """What an answer depends on: seconds, and a number of chats."""

    answer: float = 60
    reply: float = 120
    short: float = 5
    base: str = "answered"
    idle: float = 1800
    pause: float = 600
    chats: int | None = None


@dataclass(frozen=True)
class Window:
    """The local days [first, after), asked about at an instant, when a recorder had covered."""

    first: date
    after: date
    zone: ZoneInfo
    now: int
    covered: tuple[Span, ...]
    breakdown: str | None = None
    targets: Targets = field(default_factory=Targets)
    hours: tuple[tuple[str, int, int], ...] = ()
    """Department (none: all that have no hours of their own), from, until."""

    @cached_property
    def days(self) -> list[Period]:
        """Each local day."""
        count = (self.after - self.first).days
        dates = [self.first + timedelta(days=number) for number in range(count)]
        midnights = [self.midnight(day) for day in [*dates, self.after]]
        return [
            Period(day, None, ((midnights[n], midnights[n + 1]),)) for n, day in enumerate(dates)
        ]

    @cached_property
    def whole(self) -> Period:
        """The whole window."""
        return Period(None, None, ((self.days[0].since, self.days[-1].until),))

    @cached_property
    def periods(self) -> list[Period]:
        """Each day, broken down by time if that is asked, and the whole if it has several."""
        dated = [part for day in self.days for part in self._parts(day)]
        if len(self.days) == 1:
            return dated
        if dated[0].bucket is None:
            return [*dated, self.whole]
        buckets = {one.bucket for one in dated}
        return dated + [
            Period(None, name, tuple(s for one in dated if one.bucket == name for s in one.spans))
            for name in sorted(buckets, key=str)
        ]

    def _parts(self, day: Period) -> Iterator[Period]:
        if self.breakdown == "weekday" and day.date:
            yield Period(day.date, str(day.date.isoweekday()), day.spans)
        elif self.breakdown == "hour":
            found: dict[int, list[int]] = {}
            for at in range(day.since, day.until, QUARTER):
                found.setdefault(self.hour(at), []).append(at)
            for hour, quarters in found.items():
                yield Period(day.date, f"{hour:02}", ((quarters[0], quarters[-1] + QUARTER),))
        else:
            yield day

    def hour(self, at: int) -> int:
        """Return the local hour of the day."""
        return self._local(at).hour

    def weekday(self, at: int) -> int:
        """Return the local day of the week: 1 is Monday."""
        return self._local(at).isoweekday()

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self.zone)

    def covered_spans(self, spans: Iterable[Span]) -> list[Span]:
        """Return what of some time a recorder vouches for, up to now."""
        return overlap([(since, min(until, self.now)) for since, until in spans], self.covered)

    def covered_ms(self, since: int, until: int) -> int:
        """Return for how much of a time, up to now, a recorder vouches."""
        return length(self.covered_spans([(since, until)]))

    def coverage(self, period: Period) -> float | None:
        """Return the share of a period's past for which a recorder vouches."""
        elapsed = sum(max(0, min(until, self.now) - since) for since, until in period.spans)
        return length(self.covered_spans(period.spans)) / elapsed if elapsed else None

    def open_spans(self, department: str | None) -> list[Span] | None:
        """Return the opening hours of a department; nothing if there are none for it."""
        listed = {name for name, _, _ in self.hours}
        wanted = department if department in listed else ""
        if wanted not in listed:
            return None
        return [(since, until) for name, since, until in self.hours if name == wanted]

    def midnight(self, day: date) -> int:
        """Return the first instant of a local day."""
        return round(datetime.combine(day, time(), self.zone).timestamp() * 1000)


def opened(
    zone: ZoneInfo, first: date, after: date, weeks: dict[str, dict[int, Span]]
) -> tuple[tuple[str, int, int], ...]:
    """Return when departments are open in some days: by weekday, from which hour to which."""
    found = []
    for department, week in weeks.items():
        for number in range((after - first).days):
            day = first + timedelta(days=number)
            if slot := week.get(day.isoweekday()):
                edges = (datetime.combine(day, time(hour), zone).timestamp() for hour in slot)
                since, until = (round(edge * 1000) for edge in edges)
                found.append((department, since, until))
    return tuple(found)


def overlap(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """Return the time that is in both; neither overlaps itself."""
    second = sorted(other)
    ends = [until for _, until in second]
    found = []
    for since, until in sorted(one):
        for begin, end in second[bisect_right(ends, since) :]:
            if begin >= until:
                break
            found.append((max(since, begin), min(until, end)))
    return [span for span in found if span[0] < span[1]]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the time that is in any of the spans, each instant once."""
    found: list[Span] = []
    for since, until in sorted(span for span in spans if span[0] < span[1]):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def minus(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """Return the time of the first that is not in the second."""
    left = union(one)
    for since, until in union(other):
        parts = [((a, min(b, since)), (max(a, until), b)) for a, b in left]
        left = [span for pair in parts for span in pair if span[0] < span[1]]
    return left


def length(spans: Iterable[Span]) -> int:
    """Return how long spans are, added up."""
    return sum(until - since for since, until in spans)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known; of nothing it is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def share(part: float, whole: float | None) -> float | None:
    """Return a share; of nothing it is unknown."""
    return part / whole if whole else None


def percentile(values: Iterable[float | None], part: float) -> float | None:
    """Return the value below which a share lies, between two neighbours in proportion."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(seconds: Sequence[float | None]) -> Row:
    """Return the three percentiles and the mean that every duration is told by."""
    return {
        "p50_s": percentile(seconds, 0.5),
        "p90_s": percentile(seconds, 0.9),
        "p95_s": percentile(seconds, 0.95),
        "mean_s": mean(seconds),
    }
