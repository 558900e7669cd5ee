"""One connection, kept up for ever: dials, receives, waits, dials again.

Each receiver has its projects, its token and a thread; what befalls one does not touch another.
They share the recording, and the pace of new connections.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archiver import connection, handshake
from archiver.errors import (
    AccessRefused,
    AddressWrong,
    ArchiverError,
    JournalUnwritable,
    TokenMissing,
)
from archiver.recording import Recording, wall_clock
from archiver.session import Session
from archiver.token import TokenSource, expires_at
from archiver.unsealed import STOPPED

log = logging.getLogger(__name__)

EXPIRY_WARNING = 24 * 3600.0
REFUSED_AGAIN = 600.0


@dataclass(frozen=True)
class Post:
    """What one connection is for: projects that are reached by one address with one token."""

    url: str
    token: TokenSource
    projects: tuple[str, ...]


def spread(posts: Sequence[Post], connections: int | None = None) -> list[Post]:
    """Spread projects over connections: at least one for each token, at most one for each project.

    What is left goes where the most projects share one. Raises ArchiverError for too few.
    """
    allowed = len(posts) if connections is None else connections
    if allowed < len(posts):
        raise ArchiverError(
            f"--max-connections {allowed}: {len(posts)} tokens need as many connections;"
            " allow more, or record fewer projects"
        )
    shares = [1] * len(posts)
    for _ in range(allowed - len(posts)):
        fullest = max(range(len(posts)), key=lambda i: len(posts[i].projects) / shares[i])
        if shares[fullest] < len(posts[fullest].projects):
            shares[fullest] += 1
    return [part for post, share in zip(posts, shares, strict=True) for part in _parts(post, share)]


def _parts(post: Post, share: int) -> Iterator[Post]:
    for index in range(share):
        yield Post(post.url, post.token, post.projects[index::share])


class Pace:
    """Lets new connections through one after the other: the server refuses them in a crowd."""

    def __init__(self, seconds: float = 0.5) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._next = 0.0

    def wait(self, stop: threading.Event) -> None:
        """Wait for one's turn, or for the end."""
        with self._turn:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._seconds
        stop.wait(turn - now)


class Receiver:
    """Keeps one connection up until told to stop; `failure` is what ended it before."""

    def __init__(self, post: Post, pace: Pace, stop: threading.Event) -> None:
        self.post = post
        self.failure: BaseException | None = None
        self.session: Session | None = None
        self.lives = 0
        self.token_expires_at: float | None = None
        self._pace = pace
        self._stop = stop
        self._backoff = handshake.Backoff()
        self._hold = 0.0
        self._warned_of: float | None = None

    @property
    def reconnects(self) -> int:
        """How often a connection was opened again."""
        return max(0, self.lives - 1)

    @property
    def _names(self) -> str:
        return ",".join(self.post.projects)

    def start(self, recording: Recording, first: connection.Client | None = None) -> None:
        """Begin to receive into a recording, on a connection that may be open already."""
        # A daemon: a handshake that hangs must not hold up the end.
        self._thread = threading.Thread(target=self._run, args=(recording, first), daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for its end, not longer than this."""
        self._thread.join(max(0.0, seconds))

    def first_dial(self) -> connection.Client | None:
        """Dial without waiting for anything; raise what will not change by itself."""
        try:
            return handshake.dial(self.post.url, self.post.token.read())
        except handshake.Unreachable as error:
            self._hold = self._not_connected(error, error.wait)
        except AccessRefused:
            if not self.post.token.can_change:
                raise
        return None

    def _dial(self) -> connection.Client | None:
        """Dial once; wait where that may help, and raise where nothing will change by itself.

        Only the first dial of all takes an address for wrong: later it is a deployment, or the
        network.
        """
        self._pace.wait(self._stop)
        token = ""
        try:
            token = self.post.token.read()
            return handshake.dial(self.post.url, token)
        except handshake.Unreachable as error:
            self._stop.wait(self._not_connected(error, error.wait))
        except AddressWrong as error:
            self._stop.wait(self._not_connected(error))
        except TokenMissing as error:  # perhaps its file is being replaced
            if not self.post.token.can_change:
                raise
            self._stop.wait(self._not_connected(error))
        except AccessRefused as error:
            if not self.post.token.can_change:
                raise
            log.error("token_refused why=%r", str(error))  # noqa: TRY400 (a state, not a bug)
            self._wait_for_token(token)
        return None

    def _not_connected(self, why: Exception, least: float = 0.0) -> float:
        """Say that there is no connection, and return when to try again."""
        wait = max(least, self._backoff.next())
        log.warning("not_connected why=%r again_in_s=%.0f", str(why), wait)
        return wait

    def look_at_token(self, now: float) -> None:
        """Read when the token expires; say once that it does so soon, and once that it was renewed.

        One that cannot be read says so when dialling.
        """
        try:
            self.token_expires_at = expiry = expires_at(self.post.token.read())
        except ArchiverError:
            return
        if expiry is not None and expiry - now < EXPIRY_WARNING:
            if expiry != self._warned_of:
                self._warned_of = expiry
                hours = max(0.0, (expiry - now) / 3600)
                log.warning("token_expires in_h=%.1f projects=%s", hours, self._names)
        elif self._warned_of is not None:
            self._warned_of = None
            log.info("token_renewed projects=%s", self._names)

    def _run(self, recording: Recording, client: connection.Client | None) -> None:
        try:
            self._stop.wait(self._hold)
            while not self._stop.is_set():
                client = client or self._dial()
                if client is not None and not self._stop.is_set():
                    self._live(recording, client)
                client = None
        except BaseException as error:  # noqa: BLE001 (the main thread raises it again)
            self.failure = error

    def _live(self, recording: Recording, client: connection.Client) -> None:
        """Live through one connection."""
        began = time.monotonic()
        session = recording.session(self.post.projects)
        self.lives += 1
        why = STOPPED
        try:
            session.opened(wall_clock())
            self.session = session
            log.info("connected connection=%d projects=%s", session.number, self._names)
            connection.converse(client, session, wall_clock, self._stop.is_set)
            connection.farewell(client, session, wall_clock)
        except connection.Lost as error:
            why = str(error)
        except JournalUnwritable as error:
            why = "the journal could not be written"
            log.error("paused %s", error)  # noqa: TRY400 (a state, not a bug)
        finally:
            self.session = None
            connection.hang_up(client)
        self._backoff.connected_for(time.monotonic() - began)
        self._note_end(session, why)
        if not self._stop.is_set():
            wait = self._backoff.next()
            told = (session.number, why, wait)
            log.warning("disconnected connection=%d why=%r again_in_s=%.0f", *told)
            self._stop.wait(wait)

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

    def _wait_for_token(self, refused: str) -> None:
        """Wait until the token's file holds another one, or a good one may have been refused."""
        log.error("waiting for=%s again_in_s=%.0f", self.post.token.path, REFUSED_AGAIN)
        until = time.monotonic() + REFUSED_AGAIN
        while time.monotonic() < until and not self._stop.wait(1.0):
            try:
                if self.post.token.read() != refused:
                    return
            except ArchiverError:
                continue
