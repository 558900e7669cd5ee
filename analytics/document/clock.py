"""A local day as an axis: instants become hours since midnight, which the clock then names.

A day of 23 or 25 hours is as long as it is; an hour that the clock repeats is named twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from analytics.window import DAY, midnight, zone

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Clock:
    """A local day of a time zone; its edges are naive UTC."""

    start: datetime
    end: datetime
    tz: str

    @classmethod
    def of(cls, day: date, tz: str) -> Clock:
        """Return a day of a time zone."""
        place = zone(tz)
        return cls(midnight(day, place), midnight(day + DAY, place), tz)

    @property
    def length(self) -> float:
        """How many hours the day has."""
        return (self.end - self.start) / HOUR

    def hours(self, instant: datetime | str) -> float:
        """Return how long after midnight an instant is; what is outside lies at the edge."""
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        return (min(max(moment, self.start), self.end) - self.start) / HOUR

    def names(self) -> list[str]:
        """Return what the clock shows at each full hour after midnight, the next one included."""
        return [self.shown(self.start + number * HOUR) for number in range(int(self.length) + 1)]

    def shown(self, instant: datetime) -> str:
        """Return the hour that the clock shows, with minutes if there are any."""
        local = self._local(instant)
        return f"{local:%H:%M}" if local.minute else f"{local:%H}"

    def time(self, instant: str) -> str:
        """Return the time that the clock shows at an instant."""
        local = self._local(self.start + self.hours(instant) * HOUR)
        return f"{local:%H:%M}"

    def _local(self, instant: datetime) -> datetime:
        return instant.replace(tzinfo=UTC).astimezone(zone(self.tz))
