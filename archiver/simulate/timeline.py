"""Simulated time: what happens next, in order, at whatever speed the caller advances.

Events of one instant happen in the order in which they were planned, so a history does not
depend on how it is cut into steps. It knows nothing of chats and never looks at a real clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from itertools import count

Process = Generator[int, None, None]
"""Somebody's doings: yields how many milliseconds to wait before going on."""

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def iso(ms: int) -> str:
    """Write an instant as the server does."""
    whole, part = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{part:03d}Z"


def from_iso(text: str) -> int:
    """Read an instant; without an offset it is UTC."""
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


class Timeline:
    """The clock of a simulation and everything that is planned on it."""

    def __init__(self, start_ms: int) -> None:
        self.now = start_ms
        self._planned: list[tuple[int, int, Callable[[], object]]] = []
        self._order = count()

    def after(self, wait_ms: int, action: Callable[[], object]) -> None:
        """Plan something; a wait below zero is none."""
        at = self.now + max(0, wait_ms)
        heapq.heappush(self._planned, (at, next(self._order), action))

    def spawn(self, process: Process, wait_ms: int = 0) -> None:
        """Let a process live on this timeline."""
        self.after(wait_ms, lambda: self._resume(process))

    def next_at(self) -> int | None:
        """Return when something happens next."""
        return self._planned[0][0] if self._planned else None

    def advance(self, until_ms: int) -> None:
        """Let everything happen that is planned up to and including an instant."""
        while self._planned and self._planned[0][0] <= until_ms:
            self.now, _, action = heapq.heappop(self._planned)
            action()
        self.now = max(self.now, until_ms)

    def _resume(self, process: Process) -> None:
        wait_ms = next(process, None)
        if wait_ms is not None:
            self.spawn(process, wait_ms)
