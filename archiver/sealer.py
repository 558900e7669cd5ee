"""Has closed segments sealed by a process beside the recorder, one after the other."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

from archiver import fs

log = logging.getLogger(__name__)

AGAIN = 60.0


class Sealer:
    """Looks after the process that seals; `sealed` and `failures` count what came of it."""

    def __init__(self, archive: Path, recorder: str, modes: fs.Modes) -> None:
        self.sealed = 0
        self.failures = 0
        readable = "group" if modes == fs.GROUP_READABLE else "private"
        self._front = [sys.executable, "-P", "-m", "archiver.seal", str(archive)]
        self._back = [recorder, readable]
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def look_after(self, closed: list[Path]) -> None:
        """Take note of what has ended; begin with the oldest segment that waits."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            self._count(status)
        if closed and time.monotonic() >= self._not_before:
            # A session of its own: a Ctrl-C meant for us must not stop it half-way.
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [*self._front, str(closed[0]), *self._back], start_new_session=True
            )

    def wait(self) -> None:
        """Wait for the process at work, if there is one."""
        if self._process is not None:
            self._count(self._process.wait())
            self._process = None

    def _count(self, status: int) -> None:
        if status == 0:
            self.sealed += 1
            return
        self.failures += 1
        self._not_before = time.monotonic() + AGAIN
        log.error("sealing status=%d again_in_s=%.0f", status, AGAIN)
