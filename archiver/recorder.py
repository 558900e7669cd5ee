"""The recorder as a service: receivers, the journal they share, and the sealing beside it.

Puts the parts together: threads, signals, waiting. Each connection has a thread that receives; the
main thread syncs the journal and has closed segments sealed by a process of its own, so that
receiving never waits.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from archiver import health, notify
from archiver.bucket import Remote
from archiver.compactor import Compactor
from archiver.connection import Client
from archiver.publisher import Publisher
from archiver.receiver import Pace, Post, Receiver
from archiver.recording import Policy, Recording, Signs, wall_clock
from archiver.sealer import Sealer

log = logging.getLogger(__name__)

FAREWELL_PATIENCE = 4.0
SEAL_PATIENCE = 4.0
PUBLISH_PATIENCE = 10.0
TOKENS_EVERY = 60.0
MARKS_EVERY = 5.0
SILENCE = 60.0
SPOOL_LIMIT = 10 * 2**30


@dataclass(frozen=True)
class Settings:
    """What `archiver record` was asked to do.

    `posts` has one entry a connection; `health` is HOST:PORT to answer probes at, or None. With a
    `remote`, `archive` is the spool, from which sealed parts move there, to be compacted there.
    """

    archive: Path
    posts: tuple[Post, ...]
    recorder: str = "main"
    sync_seconds: float = 0.2
    policy: Policy = field(default_factory=Policy)
    health: str | None = None
    remote: Remote | None = None
    spool_limit: int = SPOOL_LIMIT
    compacts: bool = True


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
        self._signals: SimpleQueue[None] = SimpleQueue()
        pace = Pace()
        self._receivers = [Receiver(post, pace, self._stop) for post in settings.posts]
        modes = settings.policy.modes
        self._sealer = Sealer(settings.archive, settings.recorder, modes)
        self._publisher = _publisher(settings)
        self._compactor = _compactor(settings)
        self._recording: Recording | None = None
        self._tokens_at = 0.0
        self._marks_at = 0.0
        self._synced_in = 0.0
        self._started_at = time.time()

    def run(self) -> None:
        """Dial once, so that a wrong address or token leaves nothing behind; then record."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        settings = self.settings
        with self._answering():
            notify.ready()
            log.info("connecting url=%s connections=%d", settings.posts[0].url, len(settings.posts))
            first = self._receivers[0].first_dial()
            self.stop_on_signals()
            self._record(first)

    def stop_on_signals(self) -> None:
        """Have SIGTERM and SIGINT end the watch, once or many times.

        Their handler may interrupt this very thread while it holds an event's lock, and then wait
        for it for ever: a queue of this kind has none.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._signals.put(None))

    def _is_to_stop(self) -> bool:
        """Wait for a moment; tell whether a signal has come."""
        try:
            self._signals.get(timeout=self.settings.sync_seconds)
        except Empty:
            return False
        return True

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Answer probes where that was asked for."""
        if self.settings.health is None:
            yield
            return
        server = health.serve(self.settings.health, self.vitals, SILENCE)
        log.info("answering host=%s port=%d", server.host, server.port)
        try:
            yield
        finally:
            server.close()

    def _record(self, first: Client | None) -> None:
        settings = self.settings
        if self._publisher is not None:
            self._publisher.begin()
        projects = [project for post in settings.posts for project in post.projects]
        self._recording = recording = Recording(
            settings.archive,
            settings.recorder,
            projects,
            wall_clock,
            steady_clock,
            settings.policy,
        )
        log.info("recording archive=%s recorder=%s", settings.archive, settings.recorder)
        self._receivers[0].start(recording, first)
        for receiver in self._receivers[1:]:
            receiver.start(recording)
        try:
            self._keep_watch(recording)
        finally:
            notify.stopping()
            self._end(recording)

    def _keep_watch(self, recording: Recording) -> None:
        """Sync and seal while anybody receives; who failed is told of at once."""
        told: set[int] = set()
        while not self._is_to_stop():
            began = time.monotonic()
            if recording.sync():
                self._synced_in = time.monotonic() - began
            self._sealer.look_after(recording.closed())
            if self._compactor is not None:
                self._compactor.look_after()
            self._look_at_spool(recording)
            self._look_at_tokens()
            self._tell_systemd()
            for number, receiver in enumerate(self._receivers):
                if receiver.failure is not None and number not in told:
                    told.add(number)
                    log.error("failed projects=%s why=%r", _names(receiver), str(receiver.failure))
            if len(told) == len(self._receivers):
                return

    def _look_at_spool(self, recording: Recording) -> None:
        """Have published what waits; a spool that is full is like a full disk."""
        if self._publisher is not None:
            self._publisher.look_after()
            recording.full = self._publisher.fullness()

    def _look_at_tokens(self) -> None:
        if time.monotonic() >= self._tokens_at:
            self._tokens_at = time.monotonic() + TOKENS_EVERY
            for receiver in self._receivers:
                receiver.look_at_token(time.time())

    def _tell_systemd(self) -> None:
        if time.monotonic() >= self._marks_at:
            self._marks_at = time.monotonic() + MARKS_EVERY
            why = health.readiness(self.vitals(), time.time(), SILENCE)
            notify.status("; ".join(why) or "ready")
            notify.watchdog()

    def vitals(self) -> health.Vitals:
        """Return how the recorder is."""
        recording = self._recording
        signs = Signs() if recording is None else recording.signs()
        sessions = [receiver.session for receiver in self._receivers]
        return health.Vitals(
            started_at=self._started_at,
            frames_total=signs.frames,
            bytes_total=signs.size,
            connections_open=sum(session is not None for session in sessions),
            connections_wanted=len(self._receivers),
            reconnects_total=sum(receiver.reconnects for receiver in self._receivers),
            gaps_total=signs.gaps,
            refused_topics=signs.refused,
            last_received_at=signs.alive,
            token_expires_at={
                project: receiver.token_expires_at
                for receiver in self._receivers
                for project in receiver.post.projects
            },
            is_ready={
                project: session is not None and session.is_ready(project)
                for receiver, session in zip(self._receivers, sessions, strict=True)
                for project in receiver.post.projects
            },
            is_writable=signs.is_writable,
            journal_bytes=signs.journal_size,
            unsealed_segments=signs.unsealed,
            sealed_segments_total=self._sealer.sealed,
            seal_failures_total=self._sealer.failures,
            compaction_failures_total=self._compactor.failures if self._compactor else 0,
            sync_seconds=self._synced_in,
            **({} if self._publisher is None else self._publisher.vitals()),
        )

    def _end(self, recording: Recording) -> None:
        self._stop.set()
        if self._compactor is not None:
            self._compactor.end()
        recording.full = None  # the end is to be written down all the same
        until = time.monotonic() + FAREWELL_PATIENCE
        for receiver in self._receivers:
            receiver.join(until - time.monotonic())
        try:
            self._sealer.finish(recording.end(wall_clock()), SEAL_PATIENCE)
        finally:
            recording.free()
        if self._publisher is not None:
            self._publisher.finish(PUBLISH_PATIENCE)
        for receiver in self._receivers:
            if receiver.failure is not None:
                raise receiver.failure
        log.info("stopped archive=%s", self.settings.archive)


def _publisher(settings: Settings) -> Publisher | None:
    if settings.remote is None:
        return None
    modes = settings.policy.modes
    return Publisher(settings.remote, settings.recorder, modes, settings.spool_limit)


def _compactor(settings: Settings) -> Compactor | None:
    if not settings.compacts:
        return None
    return Compactor(settings.remote or settings.archive, settings.policy.modes)


def _names(receiver: Receiver) -> str:
    return ",".join(receiver.post.projects)
