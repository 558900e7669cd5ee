"""The recorder as a service: one connection, kept up for ever, and the journal beside it.

Puts the parts together: threads, signals, waiting. A thread receives; the main thread syncs the
journal and has closed segments sealed by a process of its own, so that receiving never waits.
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

from archiver import connection, fs
from archiver.errors import AccessRefused, AddressWrong, ArchiverError, JournalUnwritable
from archiver.recording import Policy, Recording, wall_clock
from archiver.session import Session
from archiver.token import TokenSource
from archiver.unsealed import STOPPED

log = logging.getLogger(__name__)

FAREWELL_PATIENCE = 4.0
SEAL_PATIENCE = 4.0
SEAL_AGAIN = 60.0


@dataclass(frozen=True)
class Settings:
    """What `archiver record` was asked to do."""

    archive: Path
    projects: tuple[str, ...]
    url: str
    token: TokenSource
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
        self._failure: BaseException | None = None
        self._backoff = connection.Backoff()
        self._was_connected = False
        self._sealing: subprocess.Popen[bytes] | None = None
        self._seal_at = 0.0

    def run(self) -> None:
        """Dial once, so that a wrong address or token leaves nothing behind; then record."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        log.info("connecting url=%s", self.settings.url)
        first = self._dial()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        settings = self.settings
        self.recording = Recording(
            settings.archive,
            settings.recorder,
            settings.projects,
            wall_clock,
            steady_clock,
            settings.policy,
        )
        log.info("recording archive=%s recorder=%s", settings.archive, settings.recorder)
        # A daemon: a handshake that hangs must not hold up the end.
        receiver = threading.Thread(target=self._receive, args=(first,), daemon=True)
        receiver.start()
        try:
            while receiver.is_alive() and not self._stop.wait(settings.sync_seconds):
                self.recording.sync()
                self._seal_beside()
        finally:
            self._stop.set()
            receiver.join(FAREWELL_PATIENCE)
            self._end()

    def _end(self) -> None:
        if self._sealing is not None:
            self._sealing.wait()
        self.recording.close(wall_clock(), SEAL_PATIENCE)
        if self._failure is not None:
            raise self._failure
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

    # Receiving

    def _receive(self, client: connection.Client | None) -> None:
        try:
            while not self._stop.is_set():
                client = client or self._dial()
                if client is not None and not self._stop.is_set():
                    self._life(client)
                client = None
        except BaseException as error:  # noqa: BLE001 (the main thread raises it again)
            self._failure = error

    def _dial(self) -> connection.Client | None:
        """Dial once; wait where that may help, and raise where nothing will change by itself."""
        token = self.settings.token.read()
        try:
            client = connection.dial(self.settings.url, token)
        except connection.Unreachable as error:
            log.warning("not_connected why=%r", str(error))
            self._pause(error.wait)
        except AddressWrong as error:
            if not self._was_connected:
                raise
            log.warning("not_connected why=%r", str(error))  # a deployment, or the network
            self._pause()
        except AccessRefused as error:
            if not self.settings.token.can_change:
                raise
            log.error("refused %s", error)  # noqa: TRY400 (a state, not a bug)
            self._wait_for_token(token)
        else:
            self._was_connected = True
            return client
        return None

    def _life(self, client: connection.Client) -> None:
        """Live through one connection."""
        began = time.monotonic()
        session = self.recording.session()
        why = STOPPED
        try:
            session.opened(wall_clock())
            log.info("connected connection=%d", session.number)
            connection.converse(client, session, wall_clock, self._stop.is_set)
            connection.farewell(client, session, wall_clock)
        except connection.Lost as error:
            why = str(error)
        except JournalUnwritable as error:
            why = "the journal could not be written"
            log.error("paused %s", error)  # noqa: TRY400 (a state, not a bug)
        finally:
            connection.hang_up(client)
        self._backoff.connected_for(time.monotonic() - began)
        self._note_end(session, why)
        if not self._stop.is_set():
            log.warning("disconnected connection=%d why=%r", session.number, why)
            self._pause()

    def _note_end(self, session: Session, why: str) -> None:
        """Write the end of a connection down, waiting for room if there is none."""
        while True:
            try:
                session.lost(wall_clock(), why)
            except JournalUnwritable:
                if self._stop.wait(1.0):
                    raise
            else:
                return

    def _pause(self, least: float = 0.0) -> None:
        self._stop.wait(max(least, self._backoff.next()))

    def _wait_for_token(self, refused: str) -> None:
        """Wait until the token's file holds another one."""
        log.error("waiting for=%s", self.settings.token.path)
        while not self._stop.wait(1.0):
            try:
                if self.settings.token.read() != refused:
                    return
            except ArchiverError:
                continue
