"""Has closed segments sealed by a process beside the recorder, some of them at a time."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from archiver import fs
from archiver.errors import ArchiveUnwritable

log = logging.getLogger(__name__)

AGAIN = 60.0
# A process begins in as long as it seals a segment, a fifth of a second; a recorder that is to stop
# waits for it.
TOGETHER = 20
# What is freed is kept for the next segment: to give it back, and take it anew page by page, costs
# a tenth of the time, and saves 20 MB. Huge pages save a twentieth, where the C library can ask
# for them.
FRUGAL = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": "12000000",
    "MALLOC_TRIM_THRESHOLD_": "128000000",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


class Sealer:
    """Looks after the process that seals; `sealed` and `failures` count what came of it."""

    def __init__(self, archive: Path, recorder: str, modes: fs.Modes) -> None:
        self.sealed = 0
        self.failures = 0
        readable = "group" if modes == fs.GROUP_READABLE else "private"
        module = [sys.executable, "-P", "-m", "archiver.seal"]
        self._command = [*module, str(archive), recorder, readable]
        self._process: subprocess.Popen[bytes] | None = None
        self._at_work: list[Path] = []
        self._not_before = 0.0

    def look_after(self, closed: list[Path]) -> None:
        """Take note of what has ended; begin with the oldest segments that wait."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            self._count(status)
        if closed and time.monotonic() >= self._not_before:
            self._at_work = closed[:TOGETHER]
            # A session of its own: a Ctrl-C meant for us must not stop it half-way.
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [*self._command, *map(str, self._at_work)],
                env=os.environ | FRUGAL,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait for the process at work, if there is one."""
        if self._process is not None:
            self._count(self._process.wait())
            self._process = None

    def finish(self, left: list[Path], patience: float) -> None:
        """Have what is left sealed, as much of it as is begun in `patience` seconds."""
        until = time.monotonic() + patience
        self.wait()
        while (left := [path for path in left if path.exists()]) and time.monotonic() < until:
            failures, self._not_before = self.failures, 0.0
            self.look_after(left)
            self.wait()
            if self.failures > failures:
                raise ArchiveUnwritable(
                    f"{left[0]}: not sealed, for the reason above;"
                    " mend it, then run 'archiver seal'"
                )

    def _count(self, status: int) -> None:
        self.sealed += sum(not segment.exists() for segment in self._at_work)
        if status == 0:
            return
        self.failures += 1
        self._not_before = time.monotonic() + AGAIN
        log.error("sealing status=%d again_in_s=%.0f", status, AGAIN)
