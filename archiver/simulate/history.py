"""`archiver simulate history`: days of a desk, recorded in seconds.

The same desk and hub as behind a socket, straight into the recorder's own session and journal, on
one simulated clock; a segment, and so a part, ends with each simulated day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import ArchiverError
from archiver.protocol import SECOND, Limits
from archiver.recording import Policy, Recording
from archiver.session import Session
from archiver.simulate.desk import Desk
from archiver.simulate.hub import Connection, Hub
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, iso
from archiver.simulate.truth import create, discard
from archiver.unsealed import STOPPED

_WHY = "simulated gap"
_UNHURRIED = Limits(quiet=20 * SECOND, mute=25 * SECOND)
"""Pings of a line that is never late: four times fewer signs of life to write down and read."""


class GapsWrong(ArchiverError):
    """The gaps that were asked for cannot be."""


@dataclass(frozen=True)
class Span:
    """A stretch of simulated time, in milliseconds: from `since` until just before `until`."""

    since: int
    until: int


@dataclass(frozen=True)
class Plan:
    """What to record, and where."""

    archive: Path
    span: Span
    gaps: tuple[Span, ...] = ()
    """When the recorder is not connected."""
    recorder: str = "main"
    truth: Path | None = None


def record_history(
    settings: DeskSettings, plan: Plan, day_done: Callable[[], object] = lambda: None
) -> None:
    """Let a desk work and be recorded through a stretch of time."""
    connected = tuple(_connected(plan))
    with ExitStack() as files:
        truth = files.enter_context(create(plan.truth)) if plan.truth else None
        hub = Hub()
        desk = Desk(settings, plan.span.since, hub, truth.write if truth else discard)
        tape = _Tape(plan, settings.project_id, hub, desk)
        for stretch in connected:
            tape.wait(stretch.since, day_done)
            tape.record(stretch.until, day_done)
        tape.wait(plan.span.until, day_done)
        tape.close()
        desk.finish()


def _connected(plan: Plan) -> Iterator[Span]:
    """Yield the stretches between the gaps."""
    since = plan.span.since
    for gap in sorted(plan.gaps, key=lambda gap: gap.since):
        if not since <= gap.since < gap.until <= plan.span.until:
            raise GapsWrong(
                f"gap {iso(gap.since)}/{iso(gap.until)}: ends before it begins, overlaps another,"
                f" or lies outside {iso(plan.span.since)}/{iso(plan.span.until)}"
            )
        if since < gap.since:
            yield Span(since, gap.since)
        since = gap.until
    if since < plan.span.until:
        yield Span(since, plan.span.until)


class _Tape:
    """A recording whose clock is the desk's."""

    def __init__(self, plan: Plan, project_id: str, hub: Hub, desk: Desk) -> None:
        self._hub = hub
        self._desk = desk
        self._last_ms = plan.span.until
        self._now_ms = plan.span.since
        self._next_day = (self._now_ms // DAY + 1) * DAY
        policy = Policy(age=2 * DAY * 1000)  # days end by the calendar: see `_turn_day`
        self._recording = Recording(
            plan.archive, plan.recorder, [project_id], self._now_us, policy=policy
        )

    def wait(self, until_ms: int, day_done: Callable[[], object]) -> None:
        """Let the desk work unseen."""
        while self._now_ms < until_ms:
            self._now_ms = min(self._next_day, until_ms)
            self._desk.advance(self._now_ms)
            self._turn_day(day_done)

    def record(self, until_ms: int, day_done: Callable[[], object]) -> None:
        """Connect, and take what the desk's server sends until then."""
        line = _Line(self._recording.session(), self._hub.connect(self._now_ms), self._now_us)
        line.open()
        while self._now_ms < until_ms:
            next_ms = min(self._desk.next_at(), line.deadline(), self._next_day, until_ms)
            self._now_ms = max(self._now_ms, next_ms)
            self._desk.advance(self._now_ms)
            if self._now_ms >= self._next_day:  # covered to the stroke: nothing of it is left over
                self._recording.note({"control": "alive"}, self._now_us(), line.number)
            is_midnight = self._turn_day(day_done)
            line.live(self._now_ms, is_midnight=is_midnight)
        line.close(STOPPED if until_ms == self._last_ms else _WHY)

    def close(self) -> None:
        """End the recording; everything is in the archive then."""
        self._recording.close(self._now_us())

    def _turn_day(self, day_done: Callable[[], object]) -> bool:
        """Tell whether a day has ended; its segment is sealed then."""
        if self._now_ms < self._next_day:
            return False
        self._next_day += DAY
        self._recording.roll(self._now_us())
        self._recording.seal()
        day_done()
        return True

    def _now_us(self) -> int:
        return self._now_ms * 1000


class _Line:
    """One connection: a recorder's session at one end, the hub's at the other."""

    def __init__(self, session: Session, connection: Connection, now_us: Callable[[], int]) -> None:
        self._session = session
        self.number = session.number
        self._connection = connection
        self._now_us = now_us
        self._session_due_us = 0

    def open(self) -> None:
        """Let the session ask for what it wants."""
        self._session.opened(self._now_us())
        self._session.protocol.limits = _UNHURRIED
        self._carry(())
        self._session_due_us = self._session.deadline()

    def deadline(self) -> int:
        """Return when one of the ends wants to be called next, in milliseconds."""
        return min(self._connection.deadline(), -(-self._session_due_us // 1000))

    def live(self, now_ms: int, *, is_midnight: bool) -> None:
        """Carry what the ends have for each other, and let them do what is due."""
        self._carry(self._connection.tick(now_ms))
        if is_midnight or self._session_due_us <= self._now_us():
            self._session.tick(self._now_us())
            self._carry(())
        self._session_due_us = self._session.deadline()

    def close(self, why: str) -> None:
        """End the connection."""
        if why == STOPPED:
            self._session.leave()
            self._carry(())
        self._session.lost(self._now_us(), why)
        self._connection.close()

    def _carry(self, frames: Sequence[str]) -> None:
        """Hand frames over, and answers, and answers to those."""
        at = self._now_us()
        for frame in frames:
            self._session.received(frame.encode(), False, at)
        while asked := self._session.outbox():
            for question in asked:
                for frame in self._connection.receive(question):
                    self._session.received(frame.encode(), False, at)
