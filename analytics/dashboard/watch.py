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
from analytics.dashboard.follow import Journal, News, Parts, as_table
from analytics.dashboard.live import Figures, Live
from analytics.dashboard.normal import Normal, normal
from analytics.errors import AnalyticsError
from analytics.folder import Folder
from archiver import contract

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks at the journal."""
ASK_EVERY = 1.0
"""Seconds from the beginning of an answer to that of the next, at least."""
TURN_EVERY = timedelta(seconds=5)
"""Without an event, waits grow all the same."""
ALIVE_EVERY = 10.0
TROUBLE_PAUSE = 5.0


@dataclass
class _Project:
    live: Live
    parts: Parts
    figures: Figures | None = None
    normal: Normal | None = None
    normal_of: date | None = None

    def refresh(self, news: News, now: datetime) -> bool:
        """Take what is new; return whether there is another answer."""
        fresh = [as_table(news.rows), *self.parts.read(self.live.days())]
        count = sum([self.live.take(rows) for rows in fresh])
        self.live.vouch(as_table(news.covered))
        due = self.figures is None or now - self.figures.window.now >= TURN_EVERY
        if count or due:
            self.figures = self.live.ask(now)
        return bool(count or due)


@dataclass
class Watch:
    """The figures of some projects of an archive, or of all, and who waits for them."""

    root: Path
    chosen: Sequence[str]
    desk_of: Callable[[str], Desk]
    text: str = ""
    refreshed_at: float = 0.0
    _journal: Journal = field(init=False)
    _projects: dict[str, _Project] = field(default_factory=dict)
    _turn: asyncio.Event = field(default_factory=asyncio.Event)
    _is_well: bool = False
    _over: bool = False

    def __post_init__(self) -> None:
        self._journal = Journal(self.root)

    async def run(self) -> None:
        """Refresh until cancelled."""
        tasks: set[asyncio.Task[None]] = set()
        while True:
            began = time.monotonic()
            try:
                if await asyncio.to_thread(self.refresh, utc_now()) or not self._is_well:
                    self._is_well = True
                    self._say(self._told(None))
                    spent = time.monotonic() - began
                    await asyncio.sleep(max(ASK_EVERY - LOOK_EVERY - spent, 0))
                self.refreshed_at = time.monotonic()
                tasks = {one for one in tasks if not one.done()}
                tasks |= {asyncio.create_task(self._usual(one)) for one in self._unusual()}
            except (AnalyticsError, OSError) as error:
                self._despair(error)
                await asyncio.sleep(TROUBLE_PAUSE)
            await asyncio.sleep(LOOK_EVERY)

    def refresh(self, now: datetime) -> bool:
        """Read what is new and answer anew; return whether there is another answer."""
        news = self._journal.read()
        for project_id in self._names() - set(self._projects):
            live = Live(project_id, self.desk_of(project_id), now)
            self._projects[project_id] = _Project(live, Parts(self.root, project_id))
        answered = [one.refresh(news.of(name), now) for name, one in self._projects.items()]
        return any(answered)

    def _names(self) -> set[str]:
        if self.chosen:
            return set(self.chosen)
        found = {path.name.removeprefix("project_id=") for path in self.root.glob("project_id=*")}
        return (found | self._journal.projects()) - {contract.UNKNOWN_PROJECT}

    def _despair(self, error: Exception) -> None:
        """Say that there is trouble, and begin anew: what was read may not have been taken."""
        log.error("%s", error)
        self._is_well = False
        self._say(self._told("The archive cannot be read at the moment; see the log."))
        for one in self._projects.values():
            one.live.close()
        self._projects.clear()
        self._journal = Journal(self.root)

    def _unusual(self) -> list[_Project]:
        """Return the projects of which is not known yet what such a day is usually like."""
        found = [
            one
            for one in self._projects.values()
            if one.figures is not None and one.normal_of != one.live.window.since
        ]
        for one in found:
            one.normal, one.normal_of = None, one.live.window.since
        return found

    async def _usual(self, one: _Project) -> None:
        window = one.live.window
        one.normal = await asyncio.to_thread(
            lambda: normal(
                Folder(self.root), one.live.project_id, one.live.desk, window.since, window.now
            )
        )
        self._say(self._told(None))

    def _told(self, trouble: str | None) -> str:
        shown: list[dict[str, Any]] = [
            told.project(one.figures, one.normal)
            for _, one in sorted(self._projects.items())
            if one.figures is not None
        ]
        now = utc_now().isoformat(timespec="milliseconds") + "Z"
        return json.dumps({"now": now, "trouble": trouble, "projects": shown}, ensure_ascii=False)

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
