"""The recorder as a service: receivers, the journal they share, and the sealing beside it.

Puts the parts together: threads, signals, waiting. Each connection has a thread that receives; the
main thread syncs the journal and has closed segments sealed by a process of its own, so that
receiving never waits.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from archiver import fs
from archiver.receiver import Pace, Post, Receiver
from archiver.recording import Policy, Recording, wall_clock

log = logging.getLogger(__name__)

FAREWELL_PATIENCE = 4.0
SEAL_PATIENCE = 4.0
SEAL_AGAIN = 60.0
TOKENS_EVERY = 60.0


@dataclass(frozen=True)
class Settings:
    """What `archiver record` was asked to do; `posts` has one entry a connection."""

    archive: Path
    posts: tuple[Post, ...]
    recorder: str = "main"
    sync_seconds: float = 0.2
    policy: Policy = field(default_factory=Policy)


def steady_clock() -> int:
    """Return microseconds of a clock that never jumps."""
    return time.monotonic_ns() // 1000


def record(settings: Settings) -> None:
    """Record until SIGTERM or SIGINT; return when everything received is in the archive."""
    Recorder(settings).run()


class Recorder:
    """The service."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stop = threading.Event()
        pace = Pace()
        self._receivers = [Receiver(post, pace, self._stop) for post in settings.posts]
        self._sealing: subprocess.Popen[bytes] | None = None
        self._seal_at = 0.0
        self._tokens_at = 0.0

    def run(self) -> None:
        """Dial once, so that a wrong address or token leaves nothing behind; then record."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        settings = self.settings
        log.info("connecting url=%s connections=%d", settings.posts[0].url, len(settings.posts))
        first = self._receivers[0].dial()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self.recording = Recording(
            settings.archive,
            settings.recorder,
            [project for post in settings.posts for project in post.projects],
            wall_clock,
            steady_clock,
            settings.policy,
        )
        log.info("recording archive=%s recorder=%s", settings.archive, settings.recorder)
        self._receivers[0].start(self.recording, first)
        for receiver in self._receivers[1:]:
            receiver.start(self.recording)
        try:
            self._keep_watch()
        finally:
            self._end()

    def _keep_watch(self) -> None:
        """Sync and seal while anybody receives; who failed is told of at once."""
        told: set[int] = set()
        while not self._stop.wait(self.settings.sync_seconds):
            self.recording.sync()
            self._seal_beside()
            self._look_at_tokens()
            for number, receiver in enumerate(self._receivers):
                if receiver.failure is not None and number not in told:
                    told.add(number)
                    log.error("failed projects=%s why=%r", _names(receiver), str(receiver.failure))
            if len(told) == len(self._receivers):
                return

    def _look_at_tokens(self) -> None:
        if time.monotonic() >= self._tokens_at:
            self._tokens_at = time.monotonic() + TOKENS_EVERY
            for receiver in self._receivers:
                receiver.warn_of_expiry(time.time())

    def _end(self) -> None:
        self._stop.set()
        until = time.monotonic() + FAREWELL_PATIENCE
        for receiver in self._receivers:
            receiver.join(until - time.monotonic())
        if self._sealing is not None:
            self._sealing.wait()
        self.recording.close(wall_clock(), SEAL_PATIENCE)
        for receiver in self._receivers:
            if receiver.failure is not None:
                raise receiver.failure
        log.info("stopped archive=%s", self.settings.archive)

    # Sealing

    def _seal_beside(self) -> None:
        """Have the oldest closed segment sealed by a process beside this one."""
        if self._sealing is not None:
            status = self._sealing.poll()
            if status is None:
                return
            self._sealing = None
            if status:
                log.error("sealing status=%d again_in_s=%.0f", status, SEAL_AGAIN)
                self._seal_at = time.monotonic() + SEAL_AGAIN
        closed = self.recording.closed()
        if not closed or time.monotonic() < self._seal_at:
            return
        settings = self.settings
        readable = "group" if settings.policy.modes == fs.GROUP_READABLE else "private"
        command = [sys.executable, "-P", "-m", "archiver.seal"]
        arguments = [str(settings.archive), str(closed[0]), settings.recorder, readable]
        # A session of its own: a Ctrl-C meant for us must not stop it half-way.
        self._sealing = subprocess.Popen(  # noqa: S603 (our own module)
            command + arguments, start_new_session=True
        )


def _names(receiver: Receiver) -> str:
    return ",".join(receiver.post.projects)
