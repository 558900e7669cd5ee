"""Has sealed parts published by a process beside the recorder, again and again until they are.

It knows how much waits in the spool, and whether that is too much; what publishing means, the
process knows.
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from archiver import fs, publish
from archiver.bucket import Remote
from archiver.errors import StoreRefuses

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
LOOK_EVERY = 1.0
BEGIN_PATIENCE = 20.0


class Publisher:
    """Looks after the process that publishes; knows what waits, and what came of it."""

    def __init__(self, remote: Remote, recorder: str, modes: fs.Modes, limit: int) -> None:
        assert remote.spool is not None
        self.spool = remote.spool
        self.limit = limit
        self.published = 0
        self.failures = 0
        self.parts = 0
        self.size = 0
        self._recorder = recorder
        readable = "group" if modes == fs.GROUP_READABLE else "private"
        module = [sys.executable, "-P", "-m", "archiver.publish"]
        self._command = [*module, remote.url, str(remote.spool), recorder, readable]
        self._process: subprocess.Popen[str] | None = None
        self._at_work: list[Path] = []
        self._look_at = 0.0
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self._was_full = False

    def fullness(self) -> str | None:
        """Return what to say if the spool holds as much as it may; log when that changes."""
        is_full = self.size >= self.limit
        if is_full and not self._was_full:
            log.error("spool_full bytes=%d limit=%d", self.size, self.limit)
        elif self._was_full and not is_full:
            log.info("spool_has_room bytes=%d limit=%d", self.size, self.limit)
        self._was_full = is_full
        if not is_full:
            return None
        return (
            f"{self.spool}: the spool is full ({self.size} of {self.limit} bytes), since nothing"
            " can be published; look after the store, or raise --spool-limit"
        )

    def vitals(self) -> dict[str, Any]:
        """Return how it is, as the recorder's vital signs name it."""
        return {
            "spool_bytes": self.size,
            "is_spool_full": self._was_full,
            "unpublished_parts": self.parts,
            "published_parts_total": self.published,
            "publish_failures_total": self.failures,
        }

    def begin(self) -> None:
        """Make the place an archive; raise what will not change by itself, which an outage will."""
        self._start([], "begin")
        try:
            status, why = self._end(time.monotonic() + BEGIN_PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            status, why = publish.UNREACHABLE, f"no answer in {BEGIN_PATIENCE:.0f} s"
        if status not in {0, publish.UNREACHABLE}:
            raise StoreRefuses(why)
        self._look()
        self._count(status, why)

    def look_after(self) -> None:
        """Take note of what has ended; begin anew where something waits."""
        if time.monotonic() < self._look_at:
            return
        waiting = self._look()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._count(*self._end())
        elif waiting and time.monotonic() >= self._not_before:
            self._start(waiting)

    def finish(self, patience: float) -> None:
        """Publish what is left, as much of it as is done in `patience` seconds."""
        until = time.monotonic() + patience
        try:
            if self._process is not None:
                self._count(*self._end(until))
            if waiting := self._look():
                self._start(waiting)
                self._count(*self._end(until))
        except subprocess.TimeoutExpired:
            self._kill()
        if left := len(self._look()):
            log.warning("unpublished parts=%d spool=%s", left, self.spool)

    def _look(self) -> list[Path]:
        """See what waits."""
        self._look_at = time.monotonic() + LOOK_EVERY
        waiting = publish.waiting(self.spool, self._recorder)
        self.parts = len(waiting)
        self.size = sum(_size(path) for path in waiting)
        return waiting

    def _start(self, waiting: list[Path], what: str = "publish") -> None:
        self._at_work = waiting
        # A session of its own: a Ctrl-C meant for us must not stop it half-way.
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            [*self._command, what], stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def _end(self, until: float | None = None) -> tuple[int, str]:
        """Wait for the process; return its status, and what it said."""
        assert self._process is not None
        left = None if until is None else max(0.0, until - time.monotonic())
        _, said = self._process.communicate(timeout=left)
        status, self._process = self._process.returncode, None
        return status, said.strip().rpartition("\n")[2]

    def _kill(self) -> None:
        """End the process, whatever it does: a part is in the store as a whole, or not at all."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._process = None

    def _count(self, status: int, why: str) -> None:
        self.published += sum(not path.exists() for path in self._at_work)
        if status == 0:
            self._pause = FIRST_PAUSE
            return
        self.failures += 1
        wait = self._pause * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        self._not_before = time.monotonic() + wait
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        log.error("publishing why=%r parts=%d again_in_s=%.0f", why, self.parts, wait)


def _size(path: Path) -> int:
    """Return a file's size, 0 of one that has just been published."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
