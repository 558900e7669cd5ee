"""One connection's life: every frame is kept first, then the protocol is told of it.

Knows no socket: it is told what arrived and when, and asked what to send.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archiver.protocol import Protocol
from archiver.unsealed import day_of

if TYPE_CHECKING:
    from archiver.recording import Recording

log = logging.getLogger(__name__)

# A heartbeat is a sign of life, not a row; one mark tells of all in this time.
_MARK_EVERY = 5_000_000
_HEARTBEAT = b'{"action":"heartbeat"'


class Session:
    """The life of one connection, from `opened` to `lost`."""

    def __init__(self, recording: Recording, number: int, projects: Sequence[str]) -> None:
        self.recording = recording
        self.number = number
        self.projects = tuple(projects)
        self._day = day_of(recording.clock())
        self._kept_at = 0

    def opened(self, at: int) -> None:
        """Take that the connection is open: ask for everything that is followed."""
        with self.recording.busy:
            facts = {"control": "connected", "projects": list(self.projects)}
            self.recording.note(facts, at, self.number)
            memory = self.recording.memory
            self.protocol = Protocol(memory, self.projects, self.recording.timer())
            self._day = day_of(at)
            self._note(at)

    def received(self, data: bytes, binary: bool, at: int) -> None:
        """Take a frame: keep it, then let the protocol answer."""
        self.received_all((data,), at, binary=binary)

    def received_all(self, datas: Sequence[bytes], at: int, *, binary: bool = False) -> None:
        """Take frames that came together: keep them all, then let the protocol answer."""
        with self.recording.busy:
            now = self.recording.timer()
            kept = []
            for data in datas:
                if data.startswith(_HEARTBEAT) and len(data) < 200 and not binary:
                    self._mark(at)
                    self.protocol.heartbeat(data, now)
                else:
                    kept.append(data)
            if kept:
                self._keep(kept, at, now, binary=binary)
            self._note(at)

    def _keep(self, datas: Sequence[bytes], at: int, now: int, *, binary: bool) -> None:
        frames = self.recording.keep(datas, at, self.number, binary=binary)
        self._kept_at = at
        for data, frame in zip(datas, frames, strict=True):
            if frame.kind == "heartbeat":
                self.protocol.heartbeat(data, now)
            else:
                self.protocol.receive(frame, now)

    def stirred(self) -> None:
        """Take that a part of a frame has come: no sign of life to write down, but no silence."""
        self.protocol.stirred(self.recording.timer())

    def tick(self, at: int) -> None:
        """Do what is due by now."""
        with self.recording.busy:
            if day_of(at) != self._day:
                self._day = day_of(at)
                self.protocol.refresh(self.recording.timer())
            self.protocol.tick(self.recording.timer())
            self._note(at)
            if self.recording.is_due(at):
                self.recording.roll(at)

    def deadline(self) -> int:
        """Return when `tick` is to be called next, in microseconds of the recording's timer."""
        return self.protocol.deadline()

    def is_silent(self) -> bool:
        """Tell whether the connection must be taken for dead."""
        return self.protocol.is_silent(self.recording.timer())

    def is_ready(self, project: str) -> bool:
        """Tell whether the server has confirmed what is followed of a project."""
        with self.recording.busy:
            return self.protocol.is_ready(project)

    def outbox(self) -> list[str]:
        """Return the frames to send now."""
        return self.protocol.outbox()

    def leave(self) -> None:
        """Leave every topic: what `outbox` returns next says so to the server."""
        self.protocol.unsubscribe()

    def lost(self, at: int, why: str) -> None:
        """Take the end of the connection."""
        with self.recording.busy:
            self.recording.note({"control": "disconnected", "why": why}, at, self.number)

    def _mark(self, at: int) -> None:
        if not 0 <= at - self._kept_at < _MARK_EVERY:
            self.recording.note({"control": "alive"}, at, self.number)
            self._kept_at = at

    def _note(self, at: int) -> None:
        for note in self.protocol.notes():
            if note["control"] == "refused":
                log.warning("refused topic=%s tries=%d", note["topic"], note["tries"])
                note["since"] = at - note.pop("waited")
            self.recording.note(note, at, self.number)
