"""Has days that are over compacted by a process beside the recorder, once an hour.

What a compaction is, the process knows; nothing here waits for it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from archiver import fs
from archiver.bucket import Remote
from archiver.sealer import FRUGAL

log = logging.getLogger(__name__)

EVERY = 3600.0
# A recorder that has just started has other things to do.
FIRST = 300.0
# Readers that listed the parts before a compaction may go on with the old ones so long.
GRACE = 3600


class Compactor:
    """Looks after the process that compacts; `failures` counts the runs that did not go well."""

    def __init__(self, archive: Path | Remote, modes: fs.Modes, first: float = FIRST) -> None:
        self.failures = 0
        readable = "group" if modes == fs.GROUP_READABLE else "private"
        module = [sys.executable, "-P", "-m", "archiver.compact"]
        spool = [str(archive.spool)] if isinstance(archive, Remote) else []
        self._command = [*module, str(archive), readable, str(GRACE), *spool]
        self._process: subprocess.Popen[bytes] | None = None
        self._at = time.monotonic() + first

    def look_after(self) -> None:
        """Take note of what has ended; begin when it is time."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            if status:
                self.failures += 1
                log.error("compacting status=%d again_in_s=%.0f", status, EVERY)
        if time.monotonic() >= self._at:
            self._at = time.monotonic() + EVERY
            # A session of its own: a Ctrl-C meant for us must not stop it half-way.
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                self._command, env=os.environ | FRUGAL, start_new_session=True
            )

    def end(self) -> None:
        """End the process at work, wherever it is: the next run mends what it leaves."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
