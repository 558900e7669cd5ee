"""Keeps what a recorder receives: the journal being written, what it covers, what is followed.

Knows files, but no socket and no thread; the clock is given. A live recorder and a simulated month
go through the same code.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver import contract, fs, journal, records, seal, state
from archiver.archive import prepare
from archiver.coverage import Coverage
from archiver.errors import (
    ArchiveUnwritable,
    JournalLocked,
    JournalUnwritable,
)
from archiver.frames import Frame, read_frame
from archiver.memory import Memory
from archiver.session import Session
from archiver.unsealed import DIED, STOPPED, Reader

_GLANCE = 0.2
_ROLLED = b'{"control": "rolled"}'


def wall_clock() -> int:
    """Return the time in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Policy:
    """When a segment is closed (records, bytes or microseconds), and who may read our files."""

    records: int = 200_000
    size: int = 32 * 2**20
    age: int = 3600 * 1_000_000
    modes: fs.Modes = fs.PRIVATE


@dataclass(frozen=True)
class Signs:
    """What a recording can say of itself: totals since its start; `alive` in epoch seconds."""

    frames: int = 0
    size: int = 0
    gaps: int = 0
    refused: int = 0
    alive: dict[str, float | None] = field(default_factory=dict)
    is_writable: bool = True
    journal_size: int = 0
    unsealed: int = 0


class Recording:
    """One recorder's journal, open for writing: at most one process holds it at a time.

    Its sessions may be in several threads: each holds `busy` while it is at work.
    """

    def __init__(
        self,
        archive: Path,
        recorder: str,
        projects: Sequence[str],
        clock: Callable[[], int] = wall_clock,
        timer: Callable[[], int] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.archive = archive
        self.recorder = recorder
        self.projects = tuple(projects)
        self.clock = clock
        self.timer = timer or clock
        self.policy = policy or Policy()
        self.busy = threading.RLock()
        self._frames = self._size = self._gaps = 0
        self._is_writable = True
        self.full: str | None = None
        """Why nothing may be written now, though the disk would take it."""
        self.modes = self.policy.modes
        self.folder = archive / contract.JOURNAL_FOLDER / recorder
        prepare(archive, self.modes)
        self._lock = acquire(self.folder, recorder, self.modes)
        try:
            self._begin()
        except BaseException:
            os.close(self._lock)
            raise

    def _begin(self) -> None:
        self._state = state.recover(self.archive, self.folder, self.recorder)
        self._fold = Reader(self.recorder, self._state.coverage)
        self._segment = self._open(self._take_seq())
        self._end_lines()

    @property
    def memory(self) -> Memory:
        """What is followed."""
        return self._state.memory

    def session(self, projects: Sequence[str] | None = None) -> Session:
        """Return the life of one connection, about to open, for some or all of the projects."""
        with self.busy:
            self._state.connection += 1
            return Session(self, self._state.connection - 1, projects or self.projects)

    def keep(
        self, datas: Sequence[bytes], at: int, connection: int, *, binary: bool = False
    ) -> list[Frame]:
        """Write frames to the journal, all in one write, then read the outside of each."""
        self._append(records.BINARY if binary else records.TEXT, datas, at, connection)
        self._frames += len(datas)
        frames = []
        for data in datas:
            frame = Frame("unparsed") if binary else read_frame(data)
            self._fold.coverage.frame(frame, connection, 0, at)
            frames.append(frame)
        return frames

    def note(self, facts: dict[str, Any], at: int, connection: int = 0) -> None:
        """Write a fact about the recording to the journal."""
        data = json.dumps(facts, ensure_ascii=False).encode()
        seq = self._append(records.CONTROL, (data,), at, connection)
        for fact in self._fold.control(records.Record(at, seq, connection, records.CONTROL, data)):
            self._gaps += fact.kind == "gap" and "topic" not in fact.facts

    def is_due(self, at: int) -> bool:
        """Tell whether the segment is to be closed."""
        if self._segment.records <= 1:
            return False
        return (
            self._segment.records >= self.policy.records
            or self._segment.size >= self.policy.size
            or not 0 <= at - self._opened_at < self.policy.age
        )

    def roll(self, at: int) -> None:
        """Close the segment and begin the next; the closed one waits to be sealed.

        The next one is opened first: where there is no room for it, the old one goes on.
        """
        old, last = self._segment, self._take_seq()
        new = self._open(self._take_seq())
        try:
            old.append(at, last, 0, records.CONTROL, _ROLLED)
        except JournalUnwritable:
            new.close()
            fs.remove(new.path)
            raise
        old.close()
        self._segment = new
        self._fold.coverage.rolled()

    def signs(self) -> Signs:
        """Return how the recording is."""
        with self.busy:
            coverage = self._fold.coverage
            refused = [topic for topic in coverage.refused if "/project_users/" not in topic]
            alive = {project: coverage.last_alive(project) for project in self.projects}
            journal_size = sum(map(journal.size, journal.segments(self.folder)))
            return Signs(
                self._frames,
                self._size,
                self._gaps,
                len(refused),
                {name: None if at is None else at / 1e6 for name, at in alive.items()},
                self._is_writable,
                journal_size,
                len(self.closed()),
            )

    def sync(self) -> bool:
        """Make what was received survive a power cut; tell whether there was anything."""
        return self._segment.sync()

    def closed(self) -> list[Path]:
        """Return the segments that wait to be sealed.

        Asked for beside the thread that rolls: a segment just begun is newer than the one that
        is still written to, and waits for nothing.
        """
        open_one = self._segment.path
        return [path for path in journal.segments(self.folder) if path.name < open_one.name]

    def seal(self) -> None:
        """Turn every closed segment into parts of the archive."""
        for path in self.closed():
            seal.seal(self.archive, path, self.recorder, self.modes)

    def close(self, at: int) -> None:
        """End the recording cleanly, seal everything, free the journal."""
        for path in self.end(at):
            seal.seal(self.archive, path, self.recorder, self.modes)
        self.free()

    def end(self, at: int) -> list[Path]:
        """End the recording cleanly; return the segments that are not sealed."""
        with self.busy:
            self.note({"control": "stopped"}, at)
            self._fold.coverage.ended(STOPPED, at)
            self._segment.close()
            self._save()
        return journal.segments(self.folder)

    def free(self) -> None:
        """Let others have the journal."""
        os.close(self._lock)

    def _append(self, kind: int, datas: Sequence[bytes], at: int, connection: int) -> int:
        """Write records; return the number of the first."""
        seq = self._state.seq
        self._is_writable = False
        if self.full is not None:
            raise JournalUnwritable(self.full)
        self._size += self._segment.append(at, seq, connection, kind, *datas)
        self._is_writable = True
        self._state.seq = seq + len(datas)
        return seq

    def _take_seq(self) -> int:
        self._state.seq += 1
        return self._state.seq - 1

    def _save(self) -> None:
        """Save the state; what is covered so far is said by the segments, not twice."""
        self._state.coverage = Coverage.from_json(self._fold.coverage.to_json())
        self._state.coverage.rolled()
        try:
            self._state.save(self.folder, self.modes)
        except OSError as error:
            raise JournalUnwritable(
                f"{self.folder}: cannot write ({error.strerror}); make room there"
            ) from error

    def _open(self, seq: int) -> journal.Segment:
        """Begin a segment with the state so far; its number is durably used up first."""
        number = self._state.segment
        self._save()
        try:
            segment = journal.Segment(journal.segment_path(self.folder, number), self.modes)
        except OSError as error:
            raise JournalUnwritable(
                f"{self.folder}: cannot write ({error.strerror}); make room there"
            ) from error
        self._state.segment = number + 1
        opening = {
            "control": "opened",
            "format": contract.VERSION,
            "recorder": self.recorder,
            "segment": number,
            "coverage": self._state.coverage.to_json(),
            "memory": self._state.memory.to_json(),
        }
        self._opened_at = self.clock()
        data = json.dumps(opening, ensure_ascii=False).encode()
        try:
            segment.append(self._opened_at, seq, 0, records.CONTROL, data)
        except JournalUnwritable:
            segment.close()
            raise
        return segment

    def _end_lines(self) -> None:
        """End the connections that a dead process left open."""
        for connection in list(self._fold.coverage.lines):
            self.note({"control": "disconnected", "why": DIED}, self._opened_at, connection)


def acquire(folder: Path, recorder: str, modes: fs.Modes) -> int:
    """Take the lock of a recorder's journal; return what holds it."""
    try:
        fs.make_folder(folder, modes)
        held = fs.lock(folder / "lock", modes)
        if held is None:  # perhaps somebody looked whether we are here: that takes no time
            time.sleep(_GLANCE)
            held = fs.lock(folder / "lock", modes)
    except OSError as error:
        raise ArchiveUnwritable(
            f"{folder}: cannot write there ({error.strerror}); name a folder that you may write"
        ) from error
    if held is None:
        raise JournalLocked(
            f"{folder}: another process records as {recorder};"
            " stop it, or choose another name with --recorder"
        )
    return held


def seal_all(archive: Path, recorder: str, modes: fs.Modes = fs.PRIVATE) -> list[Path]:
    """Seal what a process that ended left behind; return the segments sealed."""
    folder = archive / contract.JOURNAL_FOLDER / recorder
    held = acquire(folder, recorder, modes)
    try:
        left = journal.segments(folder)
        if left:
            state.recover(archive, folder, recorder).save(folder, modes)
        for path in left:
            seal.seal(archive, path, recorder, modes)
    finally:
        os.close(held)
    return left
