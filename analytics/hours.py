"""When a desk is open: hours of the week, single dates and holidays, as intervals in UTC.

A document of hours is the table of a TOML or JSON file, ours or Tiledesk's own. A day's hours are
the times between which its clock shows them: they are shorter or longer where the clock is changed.
Pure: it reads no file, and knows nothing of chats.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.errors import SettingWrong, WindowWrong
from analytics.settings import Hours
from analytics.window import zone

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""In the order of Tiledesk's numbers."""
KEYS = ("tz", *WEEKDAYS[1:], WEEKDAYS[0], "dates", "holidays")
_TILEDESK = {"tzname": "tz", "7": "sunday"} | {str(n): day for n, day in enumerate(WEEKDAYS)}
_SLOT = re.compile(r"(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d)")

Slot = tuple[int, int]
"""Minutes since midnight; an end past midnight is 24 h more."""


@dataclass(frozen=True)
class Calendar:
    """When one department, or all that have no calendar of their own, are open."""

    tz: str | None
    week: Mapping[str, tuple[Slot, ...]]
    dates: Mapping[date, tuple[Slot, ...]]
    country: str
    """Where holidays are days off, perhaps with a subdivision: IT, IT-BZ; empty: nowhere."""

    def between(self, since: datetime, until: datetime, tz: str) -> list[tuple[datetime, datetime]]:
        """Return when it is open from one instant to another, in order; UTC."""
        place = zone(self.tz or tz)
        first = since.replace(tzinfo=UTC).astimezone(place).date() - DAY
        last = until.replace(tzinfo=UTC).astimezone(place).date()
        days = [first + n * DAY for n in range((last - first).days + 1)]
        off = _holidays(self.country, first.year, last.year)
        spans = sorted(
            (max(since, _instant(day, start, place)), min(until, _instant(day, end, place)))
            for day in days
            for start, end in self._slots(day, off)
        )
        return list(_joined((start, end) for start, end in spans if start < end))

    def closed(self, since: date, until: date) -> frozenset[date]:
        """Return the days on which it is closed out of turn: holidays, and dates without hours."""
        off = _holidays(self.country, since.year, until.year) - self.dates.keys()
        off |= {day for day, slots in self.dates.items() if not slots}
        return frozenset(day for day in off if since <= day < until)

    def _slots(self, day: date, off: set[date]) -> tuple[Slot, ...]:
        if day in self.dates:
            return self.dates[day]
        return () if day in off else self.week.get(WEEKDAYS[day.isoweekday() % 7], ())


@dataclass(frozen=True)
class OpeningHours:
    """The calendars of a project: by department, and under '' that of all others."""

    calendars: Mapping[str, Calendar]

    @property
    def tz(self) -> str | None:
        """The project's time zone, as far as its hours tell."""
        return self.calendars[""].tz if "" in self.calendars else None

    def between(self, since: datetime, until: datetime, tz: str) -> list[Hours]:
        """Return when each is open; `tz` is the time zone of those that name none.

        One that is always closed has one interval without length: that it is closed is known.
        """
        return [
            (department, start, end)
            for department, calendar in self.calendars.items()
            for start, end in calendar.between(since, until, tz) or [(since, since)]
        ]


def parse(document: Mapping[str, Any]) -> OpeningHours:
    """Read a document in our form; an error says what is wrong with it, and what to write."""
    general = {name: value for name, value in document.items() if name != "departments"}
    departments = document.get("departments", {})
    if not isinstance(departments, Mapping):
        raise SettingWrong(
            'departments: no table; write [departments.ID] and monday = ["09:00-13:00"]'
        )
    calendars = {"": _calendar(general)} if has_week(general) or not departments else {}
    for name, own in departments.items():
        try:
            calendars[name] = _calendar(merged(general, plain(own)))
        except SettingWrong as error:
            raise SettingWrong(f"departments.{name}: {error}") from error
    return OpeningHours(calendars)


def plain(document: Any, slot: str | None = None) -> dict[str, Any]:
    """Return a document in our form: Tiledesk's project, or its hours, are brought into it.

    `slot` names one of a project's time slots by its id or its name, instead of its hours.
    """
    if not isinstance(document, Mapping):
        raise SettingWrong('no table of hours; write monday = ["09:00-13:00"]')
    if slot is not None:
        document = _time_slot(document, slot)
    elif "operatingHours" in document:
        if document.get("activeOperatingHours") is False:
            raise SettingWrong(
                "activeOperatingHours: is false, so the project is always open for Tiledesk;"
                " make it true, or give no hours"
            )
        document = _unpacked("operatingHours", document["operatingHours"])
    return {_TILEDESK.get(name, name): value for name, value in document.items()}


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with what another one says instead; a week is taken as a whole."""
    kept = {name: value for name, value in base.items() if name not in WEEKDAYS}
    return {**(kept if has_week(own) else base), **own}


def has_week(document: Mapping[str, Any]) -> bool:
    """Tell whether a document says when a week's days are open."""
    return any(name in document for name in WEEKDAYS)


def _time_slot(project: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    known = project.get("timeSlots")
    if not isinstance(known, Mapping) or not known:
        raise SettingWrong("timeSlots: none are here; leave out slot")
    for key, found in known.items():
        if isinstance(found, Mapping) and name in {key, found.get("name")}:
            if found.get("active") is False:
                raise SettingWrong(
                    f"timeSlots.{key}: not active, so always open for Tiledesk; choose another"
                )
            return _unpacked(f"timeSlots.{key}.hours", found.get("hours"))
    raise SettingWrong(f"slot: no time slot {name!r}; there is {', '.join(known)}")


def _unpacked(where: str, found: Any) -> Mapping[str, Any]:
    """Return what Tiledesk keeps as a text in JSON."""
    try:
        table = json.loads(found) if isinstance(found, str) else found
    except ValueError as error:
        raise SettingWrong(f"{where}: not JSON; copy it from the project again") from error
    if not isinstance(table, Mapping):
        raise SettingWrong(f"{where}: no hours in it; copy it from the project again")
    return table


def _calendar(document: Mapping[str, Any]) -> Calendar:
    for name in document:
        if name not in KEYS:
            raise SettingWrong(f"no key {name!r}; there is {', '.join(KEYS)}")
    week = {day: _slots(day, document[day]) for day in WEEKDAYS if day in document}
    if not week:
        raise SettingWrong('no day of the week; write monday = ["09:00-13:00"]')
    dates = document.get("dates", {})
    if not isinstance(dates, Mapping):
        raise SettingWrong("dates: no table; write dates.2026-12-24 = []")
    special = {_date(day): _slots(f"dates.{day}", slots) for day, slots in dates.items()}
    country = _country(document.get("holidays", ""))
    return Calendar(_tz(document.get("tz")), week, special, country)


def _slots(where: str, found: Any) -> tuple[Slot, ...]:
    if not isinstance(found, list):
        raise SettingWrong(f'{where}: {found!r} is no list of slots; write ["09:00-13:00"]')
    return tuple(_slot(where, one) for one in found)


def _slot(where: str, found: Any) -> Slot:
    if isinstance(found, Mapping):  # as Tiledesk writes it
        found = f"{found.get('start')}-{found.get('end')}"
    match = _SLOT.fullmatch(found) if isinstance(found, str) else None
    if match is None:
        raise SettingWrong(f"{where}: {found!r} is no slot; write 09:00-13:00")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if max(minute, end_minute) > 59 or hour > 23 or end > 24 * 60:
        raise SettingWrong(f"{where}: {found!r} is no slot; times are 00:00 to 24:00")
    if start == end:
        raise SettingWrong(f"{where}: {found!r} has no length; a whole day is 00:00-24:00")
    return start, end if end > start else end + 24 * 60


def _date(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise SettingWrong(f"dates: {text!r} is no date; write 2026-12-24") from error


def time_zone(found: Any) -> str:
    """Check the name of a time zone."""
    try:
        return zone(found).key
    except (WindowWrong, TypeError) as error:
        raise SettingWrong(f"{found!r} is no time zone; write an IANA name: Europe/Rome") from error


def _tz(found: Any) -> str | None:
    try:
        return None if found is None else time_zone(found)
    except SettingWrong as error:
        raise SettingWrong(f"tz: {error}") from error


def _country(found: Any) -> str:
    try:
        _holidays(found, 2026, 2026)
    except (NotImplementedError, AttributeError) as error:
        raise SettingWrong(
            f"holidays: {found!r} is not known; write a country such as IT, or its part: IT-BZ"
        ) from error
    return str(found)


def _holidays(country: str, first: int, last: int) -> set[date]:
    """Return a country's public holidays, those of its part included."""
    name, _, part = country.partition("-")
    if not name:
        return set()
    try:
        import holidays
    except ModuleNotFoundError as error:
        raise SettingWrong(
            "holidays: a package is missing; install it: pip install 'tiledesk-archive[holidays]'"
        ) from error
    return set(holidays.country_holidays(name, part or None, years=range(first, last + 1)))


def _instant(day: date, minutes: int, place: ZoneInfo) -> datetime:
    """Return when the clock first shows so many minutes after midnight, or later; UTC."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (
        wall.replace(tzinfo=place, fold=fold).astimezone(UTC).replace(tzinfo=None)
        for fold in (0, 1)
    )
    if first <= second:  # the clock shows it once, or twice
        return first
    skipped = range(int((first - second) / SECOND))
    return second + SECOND * bisect_left(
        skipped, wall, key=lambda n: _wall(second + n * SECOND, place)
    )


def _wall(instant: datetime, place: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(place).replace(tzinfo=None)


def _joined(spans: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Yield intervals in order, those that touch or overlap as one."""
    pending: tuple[datetime, datetime] | None = None
    for start, end in spans:
        if pending is None:
            pending = start, end
        elif start <= pending[1]:
            pending = pending[0], max(pending[1], end)
        else:
            yield pending
            pending = start, end
    if pending is not None:
        yield pending
