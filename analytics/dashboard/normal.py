"""What a usual day is like: the same weekday of the last four weeks, when chats came and closed.

It reads the archive once a day; what it finds is plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from analytics.archive import connect
from analytics.config import Desk
from analytics.errors import WindowWrong
from analytics.folder import Folder
from analytics.window import DAY, Window

WEEKS = 4
FACTS = {"arrivals": "opened", "closes": "closed"}
METRICS = ("chats_offered", "chats_closed")

HAPPENINGS = """
select
    measured.fact,
    hour(from_utc_timestamp(measured.happened_at, params.tz)) as hour,
    minute(from_utc_timestamp(measured.happened_at, params.tz)) as minute
from measured
cross join params
where measured.fact in ('opened', 'closed')
"""
_COVERED = "select coverage_ratio from cells"


class Happening(NamedTuple):
    """A chat that was opened or closed: when, by the local clock."""

    fact: str
    hour: int
    minute: int


@dataclass(frozen=True)
class Normal:
    """The mean of some days."""

    days: tuple[date, ...]
    happenings: Sequence[Happening]

    def until(self, fact: str, hour: int, minute: int) -> float | None:
        """Return how many there are by then, by the local clock."""
        if not self.days:
            return None
        found = [1 for one in self.happenings if one.fact == fact and one[1:] < (hour, minute)]
        return len(found) / len(self.days)

    def by_hour(self, fact: str) -> list[float] | None:
        """Return how many there are in each hour of the clock."""
        if not self.days:
            return None
        return [count / len(self.days) for count in by_hour(self.happenings, fact)]


def by_hour(happenings: Sequence[Happening], fact: str) -> list[int]:
    """Return how many there were in each hour of the clock."""
    counts = [0] * 24
    for one in happenings:
        if one.fact == fact:
            counts[one.hour] += 1
    return counts


def normal(folder: Folder, project_id: str, desk: Desk, today: date, now: datetime) -> Normal:
    """Return what the weekday is usually like; a day that was not recorded enough counts not."""
    days: list[date] = []
    found: list[Happening] = []
    if not folder.days(project_id):
        return Normal((), [])
    for week in range(1, WEEKS + 1):
        day = today - timedelta(weeks=week)
        happenings = _day(folder, project_id, desk, Window(day, day + DAY, desk.tz, now))
        if happenings is not None:
            days.append(day)
            found += happenings
    return Normal(tuple(days), found)


def _day(folder: Folder, project_id: str, desk: Desk, window: Window) -> list[Happening] | None:
    try:
        with connect(
            folder, project_id, window, look_ahead=DAY, settings=desk.settings, only=METRICS
        ) as archive:
            ((ratio,),) = archive.query(_COVERED).rows
            if ratio < desk.settings.coverage_threshold:
                return None
            return [Happening(*row) for row in archive.query(HAPPENINGS).rows]
    except WindowWrong:  # nothing recorded then
        return None
