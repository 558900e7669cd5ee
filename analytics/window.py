"""The days that a report is about: local days of a time zone, and their instants in UTC.

Pure: it is told what time it is, and knows nothing of archives. Instants are naive UTC, as the
queries have them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from analytics.errors import WindowWrong

DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """The local days [since, until) of a time zone, asked about at an instant."""

    since: date
    until: date
    tz: str
    now: datetime
    is_past: bool = False
    """`now` is an earlier instant: what was received later is not known."""
    apart: tuple[date, ...] = ()
    """Only these of its days, if any are named."""

    @property
    def start(self) -> datetime:
        """The first instant."""
        return midnight(self.since, zone(self.tz))

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return midnight(self.until, zone(self.tz))

    @property
    def is_cut(self) -> bool:
        """Tell whether the window is not over yet."""
        return self.end > self.now

    def days(self) -> list[tuple[date, int, datetime, datetime]]:
        """Return each local day: date, ISO weekday, first instant, the first one after it."""
        place = zone(self.tz)
        every = [self.since + n * DAY for n in range((self.until - self.since).days)]
        return [
            (day, day.isoweekday(), midnight(day, place), midnight(day + DAY, place))
            for day in sorted(self.apart) or every
        ]

    def partitions(
        self,
        recorded: Iterable[date],
        look_back: timedelta | None,
        look_ahead: timedelta | None,
    ) -> list[date]:
        """Return which UTC days to read; None looks as far as there is."""
        reach = [
            (
                date.min if look_back is None else _shifted(start.date(), -look_back),
                date.max if look_ahead is None else _shifted(_last(end), look_ahead),
            )
            for _, _, start, end in self.days()
        ]
        known = self.now.date() if self.is_past else date.max
        return [
            day
            for day in recorded
            if day <= known and any(first <= day <= last for first, last in reach)
        ]


def choose(since: date, until: date, tz: str, now: datetime, *, is_past: bool = False) -> Window:
    """Return the window, or say why there is none."""
    if since >= until:
        raise WindowWrong(f"{since} to {until}: no day in it; --until is the day after the last")
    window = Window(since, until, tz, now, is_past)
    if window.start >= now:
        today = local_date(now, tz)
        raise WindowWrong(f"{since}: in the future; it is {today} in {tz}")
    return window


def as_asked(instant: datetime, tz: str, now: datetime) -> datetime:
    """Return an instant that lies in the past; one without a zone is local."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=zone(tz))
    moment = aware.astimezone(UTC).replace(tzinfo=None)
    if moment > now:
        raise WindowWrong(f"{instant}: in the future; it is {now:%Y-%m-%d %H:%M} UTC")
    return moment


def zone(tz: str) -> ZoneInfo:
    """Return a time zone by its IANA name."""
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise WindowWrong(f"{tz}: no time zone; use an IANA name such as Europe/Rome") from error


def midnight(day: date, place: ZoneInfo) -> datetime:
    """Return the first instant of a local day."""
    try:
        return datetime.combine(day, time(), place).astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise WindowWrong(f"{day}: no day that can be reported; use one of our time") from error


def local_date(now: datetime, tz: str) -> date:
    """Return the date that it is in a time zone."""
    return now.replace(tzinfo=UTC).astimezone(zone(tz)).date()


def _last(end: datetime) -> date:
    """Return the UTC day in which a time ends."""
    return (end - _MICROSECOND).date()


def _shifted(day: date, by: timedelta) -> date:
    """Return a day so much earlier or later, as far as the calendar goes."""
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta() else date.max
