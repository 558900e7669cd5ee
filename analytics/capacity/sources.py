"""Opens the archive for what a plan needs: weeks of history, or a day chat by chat.

It knows which days and settings; what is read there is `history` and `replay`'s business.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from analytics.archive import utc_now
from analytics.capacity import history
from analytics.capacity import replay as again
from analytics.window import DAY, as_asked, choose, local_date

if TYPE_CHECKING:
    from analytics.archive import Archive
    from analytics.capacity.history import Past, Row
    from analytics.capacity.replay import Recorded
    from analytics.request import Request
    from analytics.window import Window

HISTORY = timedelta(weeks=12)
"""So much is looked at if nothing is said, and so much is read at a time."""
NOTHING = timedelta()


@dataclass(frozen=True)
class Sources:
    """What may be read for a request: `answer_in` is the target, seconds; `interval` minutes."""

    request: Request
    answer_in: float
    interval: int

    def past(self, ahead: timedelta = NOTHING) -> Past:
        """Return the history, and what opening hours say of it and of the time ahead."""
        (past,) = self._pasts(ahead, None, lambda _: [None])
        return past

    def departments(self, ahead: timedelta = NOTHING, only: str | None = None) -> list[Past]:
        """Return the history of each department, or of one."""
        return self._pasts(
            ahead, "department", history.departments if only is None else lambda _: [only]
        )

    def _pasts(
        self,
        ahead: timedelta,
        by: str | None,
        chosen: Callable[[history.Told], Sequence[str | None]],
    ) -> list[Past]:
        window = self._window(self.request.day)
        parts = []
        for piece in self._pieces(window) or [window]:
            with self._open(piece, history.METRICS, by) as archive:
                parts.append(_ask(archive, history.METRICS))
        told = history.joined(parts)
        known = history.calendar(self.request.desk.hours, window, ahead)
        return [history.past(archive, told, known, one, window) for one in chosen(told)]

    def _pieces(self, window: Window) -> list[Window]:
        """Return a long window's recorded parts: what is read at a time has to fit in memory."""
        reach = self.request.look_back, self.request.look_ahead
        recorded = self.request.folder.days(self.request.project_id)
        steps = range(0, (window.until - window.since).days, HISTORY.days)
        edges = [*(window.since + DAY * step for step in steps), window.until]
        pieces = [replace(window, since=one, until=end) for one, end in pairwise(edges)]
        return [one for one in pieces if one.start < one.now and one.partitions(recorded, *reach)]

    def day(self, day: date) -> Recorded:
        """Return one day, chat by chat."""
        with self._open(self._window(day), again.METRICS) as archive:
            return again.read(archive)

    def _window(self, day: date | None) -> Window:
        """Return a day, or the days of the history: those asked for, else the last weeks."""
        tz, now, as_of = self.request.desk.tz, utc_now(), self.request.as_of
        if as_of is not None:
            now = as_asked(as_of, tz, now)
        until = self.request.until or local_date(now, tz)
        since = self.request.since or until - HISTORY
        if day is not None:
            since, until = day, day + DAY
        return choose(since, until, tz, now, is_past=as_of is not None)

    def _open(self, window: Window, names: Sequence[str], by: str | None = None) -> Archive:
        return self.request.open_at(
            window,
            only=names,
            breakdown=by,
            interval_minutes=self.interval,
            answer_target_s=self.answer_in,
        )


def _ask(archive: Archive, names: Sequence[str]) -> dict[str, list[Row]]:
    """Read the metrics, and show on a terminal how far it is."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(names, file=sys.stderr, hidden=hidden) as shown:
        return history.ask(archive, shown)
