"""What is asked for, by a command's options or a program, and the archive opened for it.

It knows what time it is; what a project's settings are comes from the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analytics.config import Config, Desk
from analytics.duck import Duck
from analytics.engine import Engine
from analytics.errors import SettingWrong
from archiver import contract
from archiver.bucket import Remote, is_address, parse
from archiver.errors import StoreRefuses

if TYPE_CHECKING:
    from analytics.archive import Archive
    from analytics.facts.store import Store
    from analytics.folder import Folder
    from analytics.window import Window

DAY = timedelta(days=1)
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(I?)B?")
WORTH = timedelta(days=7)
"""Of more days, facts that are kept are asked: for fewer it takes as long to look them up."""


@dataclass(frozen=True)
class Desks:
    """What the options ask for where several projects are asked about, as they are now."""

    archive: Path | Remote
    projects: tuple[str, ...]
    """Those named; none means all."""
    config: Config
    told: Mapping[str, Any]
    start: Callable[[], Engine] = Duck
    """What starts the engine that answers."""

    def desk(self, project_id: str) -> Desk:
        """Return how a project is to be measured."""
        return self.config.desk(project_id, self.told)

    def elsewhere(self, start: Callable[[], Engine]) -> Desks:
        """Return the same, asked of an engine in another process."""
        return replace(self, start=start)


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    archive: Path | Remote
    project: str | None
    since: date | None
    until: date | None
    day: date | None
    as_of: datetime | None
    look_back: timedelta | None
    look_ahead: timedelta | None
    config: Config
    told: Mapping[str, Any]
    last: int | None = None
    """So many days, the last ones recorded, instead of days that are named."""
    start: Callable[[], Engine] = Duck
    """What starts the engine that answers."""
    facts: Path | None = None
    """Where `analytics build` keeps its facts, if they may be used."""

    @cached_property
    def folder(self) -> Folder:
        """The archive's folder."""
        from analytics.folder import at

        return at(self.archive)

    @cached_property
    def project_id(self) -> str:
        """The project asked about."""
        return self.folder.project(self.project)

    @cached_property
    def desk(self) -> Desk:
        """How the project is to be measured."""
        return self.config.desk(self.project_id, self.told)

    def window(self) -> Window:
        """Return the days asked for, as they are known now, or were at an instant."""
        from analytics.window import choose, local_date

        now = self._instant(self.as_of)
        since, until = self._days(local_date(now, self.desk.tz))
        return choose(since, until, self.desk.tz, now, is_past=self.as_of is not None)

    def against(self, instant: datetime | None) -> Window:
        """Return the same days, as they were known at another instant, or are now."""
        return replace(self.window(), now=self._instant(instant), is_past=instant is not None)

    def _instant(self, asked: datetime | None) -> datetime:
        from analytics.archive import utc_now
        from analytics.window import as_asked

        now = utc_now()
        return now if asked is None else as_asked(asked, self.desk.tz, now)

    def elsewhere(self, start: Callable[[], Engine]) -> Request:
        """Return the same, asked of an engine in another process: it asks no facts."""
        return replace(self, start=start, facts=None)

    def open(self, breakdown: str | None = None, only: Iterable[str] | None = None) -> Archive:
        """Open the archive for the days asked for; say so if they are not over."""
        return self.open_at(self.asked(), only=only, breakdown=breakdown)

    def asked(self) -> Window:
        """Return the days asked for; say so if they are not over."""
        window = self.window()
        if window.is_cut:
            click.echo(
                f"Note: the window is not over: figures up to {window.now:%Y-%m-%d %H:%M} UTC",
                err=True,
            )
        return window

    def open_at(
        self,
        window: Window,
        *,
        only: Iterable[str] | None = None,
        at_most: timedelta = timedelta.max,
        **settings: Any,
    ) -> Archive:
        """Open the archive for other days, or at another instant, and look ahead less if told.

        `settings` are those that differ from the project's. Facts that are kept are asked by who
        names the metrics: other questions see views as they are of the days around.
        """
        from analytics.archive import connect
        from analytics.errors import FactsUnusable

        ask = partial(
            connect,
            self.folder,
            self.project_id,
            window,
            self.look_back,
            at_most if self.look_ahead is None else min(self.look_ahead, at_most),
            settings=replace(self.desk.settings, **settings),
            hours=self.desk.hours,
            only=only,
            start=self.start,
        )
        try:
            return ask(store=self._store(window) if only is not None else None)
        except FactsUnusable as error:
            click.echo(f"Note: {error}; meanwhile all is worked out anew", err=True)
            return ask()

    def _store(self, window: Window) -> Store | None:
        """Return what is kept of the project, if the days asked about are many."""
        from analytics.facts.store import store_of

        is_long = window.until - window.since > WORTH and not window.apart
        if self.facts is None or not is_long or window.is_past:
            return None
        store = store_of(self.facts, self.project_id)
        return store if store.is_there else None

    def _days(self, today: date) -> tuple[date, date]:
        if self.last is not None:
            return self._recorded(self.last, today)
        if self.day is not None:
            return self.day, self.day + DAY
        if self.since is not None:
            return self.since, self.until or self.since + DAY
        if self.until is not None:
            return self.until - DAY, self.until
        return today - DAY, today

    def _recorded(self, count: int, today: date) -> tuple[date, date]:
        """Return the last days recorded; the newest is not over, and left out if it is not all."""
        days = self.folder.days(self.project_id)
        until = max(min(days[-1], today), days[0] + DAY)
        return max(days[0], until - count * DAY), until


def place(value: Any, spool: Any = None) -> Path | Remote:
    """Check where an archive is: a folder, or an address; then perhaps a recorder's spool."""
    if isinstance(value, Path | Remote) or not is_address(str(value)):
        found = value if isinstance(value, Remote) else Path(value)
    else:
        try:
            found = parse(str(value))
        except StoreRefuses as error:
            raise SettingWrong(str(error)) from error
    if spool is None:
        return found
    if isinstance(found, Path):
        raise SettingWrong("spool: is for an archive on object storage; leave it out")
    return replace(found, spool=Path(spool))


def facts_root(archive: Path | Remote, told: Path | None) -> Path | None:
    """Return where facts are kept: where it is said, or in an archive that is a folder."""
    if told is not None:
        return told
    return archive / contract.DERIVED_FOLDER if isinstance(archive, Path) else None


def day(value: Any) -> date:
    """Check a calendar day."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise SettingWrong(f"{value!r} is no day; write it as 2026-11-23") from error


def instant(value: Any) -> datetime:
    """Check an instant; one without a zone is in that of the report."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise SettingWrong(f"{value!r} is no instant; write it as 2026-11-23T18:00") from error


def size(value: Any) -> int:
    """Check a size: a number of bytes, or a text with its unit; return bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = _SIZE.fullmatch(str(value).upper())
    if found is None or not float(found[1]):
        raise SettingWrong(f"{value!r} is no size; write 4GB")
    number, unit, is_binary = found.groups()
    step = 1024.0 if is_binary else 1000.0
    return round(float(number) * step ** (1 + "KMGT".index(unit)))


def cores(value: Any) -> int:
    """Check a number of cores."""
    if isinstance(value, bool) or not str(value).isdecimal() or not int(value):
        raise SettingWrong(f"{value!r} is no number of cores; write 2")
    return int(value)


def reach(value: Any) -> timedelta | None:
    """Check a number of days to read before or after those asked for; None for `all`."""
    if value == "all":
        return None
    if isinstance(value, timedelta):
        return value
    try:
        days = int(value)
    except (TypeError, ValueError):
        days = -1
    if not 0 <= days <= 36_500:
        raise SettingWrong(f"{value!r} is no number of days; write 2, or all")
    return timedelta(days=days)
