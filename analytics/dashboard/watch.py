"""Refreshes the figures once for everybody who watches.

One task reads what is new and asks; viewers wait for what it says. It knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from analytics.archive import utc_now
from analytics.config import Desk
from analytics.dashboard import told
from analytics.dashboard.follow import Journal, News, Parts
from analytics.dashboard.live import Figures, Live
from analytics.dashboard.normal import Normal, normal
from analytics.dashboard.published import Published
from analytics.errors import AnalyticsError
from analytics.folder import Folder, at
from analytics.window import Window
from archiver import contract, stored
from archiver.bucket import Bucket, Remote
from archiver.errors import ArchiverError

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks at the journal."""
ASK_EVERY = 1.0
"""Seconds from the beginning of an answer to that of the next, at least."""
TURN_EVERY = timedelta(seconds=5)
"""Without an event, waits grow all the same."""
QUIET_AT_ONCE = 2
"""How many projects without an event, or an answer so far, are asked at a look."""
ALIVE_EVERY = 10.0
LIST_EVERY = 30.0
TROUBLE_PAUSE = 5.0
STALE_AFTER = 60.0
"""Seconds after which figures that were not refreshed are those of another time."""
TROUBLE = "The archive cannot be read at the moment; the server's log says why."


@dataclass(eq=False)
class _Project:
    live: Live
    parts: Parts
    figures: Figures | None = None
    last_day: date | None = None
    normal: Normal | None = None
    normal_of: date | None = None

    def take(self, news: News) -> bool:
        """Take what is new; return whether the answer is not true any more."""
        self.last_day = self.parts.last_day()
        fresh = [news.rows, *self.parts.read(self.live.days())]
        count = sum([self.live.take(rows) for rows in fresh])
        self.live.vouch(news.covered)
        return count > 0 and self.figures is not None

    def age(self, now: datetime) -> timedelta:
        """Return how old the answer is; one that is awaited is older than any."""
        return timedelta.max if self.figures is None else now - self.figures.window.now


@dataclass
class Watch:
    """The figures of some projects of an archive, or of all, and who waits for them."""

    root: Path | Remote
    chosen: Sequence[str]
    desk_of: Callable[[str], Desk]
    text: str = ""
    _journal: Journal = field(init=False)
    _bucket: Bucket | None = None
    _listed: tuple[float, set[str]] = (0.0, set())
    _projects: dict[str, _Project] = field(default_factory=dict)
    _turn: asyncio.Event = field(default_factory=asyncio.Event)
    _last: list[dict[str, Any]] = field(default_factory=list)
    _refreshed_at: float | None = None
    _trouble: str | None = None
    _over: bool = False

    def __post_init__(self) -> None:
        self._journal = Journal(self._path)

    @property
    def _path(self) -> Path:
        """The folder that a recorder writes to."""
        if isinstance(self.root, Path):
            return self.root
        assert self.root.spool is not None
        return self.root.spool

    async def run(self) -> None:
        """Refresh until cancelled, and beside it find out what is usual."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._refresh())
            both.create_task(self._compare())

    async def _refresh(self) -> None:
        while True:
            began = time.monotonic()
            try:
                is_news = await asyncio.to_thread(self.refresh, utc_now())
            except (AnalyticsError, ArchiverError, OSError) as error:
                self._despair(str(error))
                await asyncio.sleep(TROUBLE_PAUSE)
                continue
            self._refreshed_at = time.monotonic()
            if is_news or self._trouble or not self.text:
                self._trouble = None
                self._tell()
            spent = time.monotonic() - began
            await asyncio.sleep(max(ASK_EVERY - spent, LOOK_EVERY) if is_news else LOOK_EVERY)

    async def _compare(self) -> None:
        """Find out what a usual day is like, for one project after the other, every day."""
        while not self._over:
            turn = self._turn
            for one in list(self._projects.values()):
                if one.figures is not None and one.normal_of != one.live.window.since:
                    await self._find_usual(one)
            await turn.wait()

    async def _find_usual(self, one: _Project) -> None:
        window = one.live.window
        one.normal, one.normal_of = None, window.since
        try:
            one.normal = await asyncio.to_thread(self._normal, one.live, window)
        except (AnalyticsError, OSError) as error:
            log.warning("usual days: %s", error)
            one.normal = Normal((), [])
        self._tell()

    def _normal(self, live: Live, window: Window) -> Normal:
        return normal(at(self.root), live.project_id, live.desk, window.since, window.now)

    def is_fresh(self) -> bool:
        """Tell whether the figures are those of now: of a refresh that ended a short while ago."""
        if self._refreshed_at is None:
            return False
        return time.monotonic() - self._refreshed_at < STALE_AFTER

    def refresh(self, now: datetime) -> bool:
        """Read what is new and answer anew; return whether there is another answer."""
        self._find()
        news = self._journal.read()
        for project_id in self._names() - set(self._projects):
            live = Live(project_id, self.desk_of(project_id), now)
            self._projects[project_id] = _Project(live, self._parts(project_id))
        asked = [one for name, one in self._projects.items() if one.take(news.of(name))]
        asked += self._quiet(asked, now)
        for one in asked:
            one.figures = one.live.ask(now)
        return bool(asked)

    def _quiet(self, asked: list[_Project], now: datetime) -> list[_Project]:
        """Return others whose turn it is: a few, or many would hold up those with news."""
        rest = [one for one in self._projects.values() if one not in asked]
        due = [one for one in rest if one.age(now) >= TURN_EVERY]
        return sorted(due, key=lambda one: one.age(now), reverse=True)[:QUIET_AT_ONCE]

    def _find(self) -> None:
        """Say so if the archive has gone; a bucket is opened once."""
        Folder(self._path)
        if isinstance(self.root, Remote) and self._bucket is None:
            self._bucket = stored.find(self.root)

    def _parts(self, project_id: str) -> Parts:
        if self._bucket is None:
            return Parts(self._path, project_id)
        return Published(self._path, project_id, bucket=self._bucket)

    def _sealed(self) -> set[str]:
        """Return the projects that have parts; a bucket is asked now and then."""
        if self._bucket is None:
            return Folder(self._path).sealed_projects()
        now = time.monotonic()
        if now >= self._listed[0]:
            self._listed = now + LIST_EVERY, at(self.root).sealed_projects()
        return self._listed[1]

    def _names(self) -> set[str]:
        if self.chosen:
            return set(self.chosen)
        found = self._sealed()
        return (found | self._journal.projects()) - {contract.UNKNOWN_PROJECT}

    def _despair(self, trouble: str) -> None:
        """Say that there is trouble, and begin anew: what was read may not have been taken."""
        if trouble != self._trouble:
            log.error("%s", trouble)
            self._trouble = trouble
        for one in self._projects.values():
            one.live.close()
        self._projects.clear()
        self._journal = Journal(self._path)
        self._bucket = None
        self._tell()

    def shown(self) -> list[dict[str, Any]]:
        """Return what is shown of each project."""
        return [
            told.project(one.figures, one.normal, one.last_day)
            for _, one in sorted(self._projects.items())
            if one.figures is not None
        ]

    def _tell(self) -> None:
        """Tell everybody the figures; in trouble, those that were there before it."""
        if self._trouble is None:
            self._last = self.shown()
        said = {
            "now": utc_now().isoformat(timespec="milliseconds") + "Z",
            "trouble": TROUBLE if self._trouble else None,
            "projects": self._last,
            "awaited_count": sum(one.figures is None for one in self._projects.values()),
        }
        self._say(json.dumps(said, ensure_ascii=False))

    def _say(self, text: str) -> None:
        self.text = text
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    def end(self) -> None:
        """Let every viewer go."""
        self._over = True
        self._turn.set()

    async def turns(self) -> AsyncIterator[str | None]:
        """Yield what is said, now and from now on; None as a sign of life."""
        if self.text:
            yield self.text
        while not self._over:
            turn = self._turn
            try:
                await asyncio.wait_for(turn.wait(), ALIVE_EVERY)
            except TimeoutError:
                yield None
            else:
                if not self._over:
                    yield self.text
