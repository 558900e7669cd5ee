"""Follows the journals of an archive: what recorders have received, read as it is written.

Each byte is read once. A segment that its recorder has ended, or that the sealer has taken away,
is read to its end and left for the next; a record that is only half there is waited for. Writes
nothing, locks nothing, and says nothing of what is sealed already.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from archiver import contract, journal
from archiver.errors import ProjectUnknown
from archiver.extract import spelled
from archiver.narration import Event, Narrator, to_json, to_line
from archiver.records import Damage, decode
from archiver.unsealed import Reader

POLL = 0.2
_READ = 2**20
_HISTORY = 2  # segments: the one being written, and one in case it has only just begun


class Cursor:
    """Where one recorder's journal has been read to."""

    def __init__(self, folder: Path, opened: Callable[[str, dict[str, Any]], None]) -> None:
        self._folder = folder
        self._opened = opened
        self._file: BinaryIO | None = None
        self._overtaken = False
        older = journal.segments(folder)[:-_HISTORY]
        self._name = older[-1].name if older else ""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that were written since the last call."""
        while self._file is not None or self._next():
            is_over = self._is_over()
            yield from self._new_rows()
            if self._reader.end is None:
                if not is_over:
                    return
                yield from map(spelled, self._reader.rows(b""))  # what its recorder's death means
            self.close()

    def close(self) -> None:
        """Leave the segment."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> bool:
        """Open the oldest segment that has not been read; tell whether there is one."""
        for path in journal.segments(self._folder):
            if path.name <= self._name:
                continue
            self._name = path.name
            try:
                self._file = path.open("rb", buffering=0)
            except FileNotFoundError:  # sealed since it was listed
                continue
            self._reader = Reader(self._folder.name)
            self._rest = b""
            self._is_known = False
            self._overtaken = self._has_successor()
            return True
        return False

    def _is_over(self) -> bool:
        """Tell whether nothing more can be written: sealed, or left behind by its recorder.

        A recorder begins the next segment before it ends this one, and takes it back where the
        disk is full; so a successor must have been there the last time, too.
        """
        was_overtaken, self._overtaken = self._overtaken, self._has_successor()
        return (was_overtaken and self._overtaken) or not (self._folder / self._name).exists()

    def _has_successor(self) -> bool:
        for path in reversed(journal.segments(self._folder)):
            if path.name <= self._name:
                return False
            try:
                if path.stat().st_size:
                    return True
            except FileNotFoundError:
                return True
        return False

    def _new_rows(self) -> Iterator[dict[str, Any]]:
        assert self._file is not None
        while piece := self._file.read(_READ):
            data = self._rest + piece
            end = whole(data)
            self._rest = data[end:]
            for row in self._reader.rows(data[:end], live=True):
                self._tell_opening()
                yield spelled(row)
        self._tell_opening()

    def _tell_opening(self) -> None:
        if self._reader.opening and not self._is_known:
            self._is_known = True
            self._opened(self._folder.name, self._reader.opening)


def whole(data: bytes) -> int:
    """Return where the last whole record ends."""
    for item in decode(data):
        if isinstance(item, Damage) and item.end == len(data):
            return item.start
    return len(data)


class Tail:
    """Every recorder of an archive, or only one project of it."""

    def __init__(
        self, archive: Path, projects: tuple[str, ...] = (), *, text: bool = False
    ) -> None:
        self._archive = archive
        self._journals = archive / contract.JOURNAL_FOLDER
        self._wanted = frozenset(projects)
        self._narrator = Narrator(text=text)
        self._cursors: dict[str, Cursor] = {}
        self._projects: set[str] = set()
        """Those of the journals, wanted or not."""

    def line(self, event: Event, *, as_json: bool = False) -> str:
        """Return an event as a line; it names project and recorder where there are several."""
        if as_json:
            return to_json(event)
        several = sum(map(self._is_wanted, self._projects)) > 1
        return to_line(event, project=several, recorder=len(self._cursors) > 1)

    def close(self) -> None:
        """Leave every journal."""
        for cursor in self._cursors.values():
            cursor.close()

    def new(self) -> list[Event]:
        """Return what happened since the last call, over all recorders, by time."""
        return self._merged(None)

    def last(self, lines: int) -> list[Event]:
        """Return the last events so far; raise ProjectUnknown for a project that is not there."""
        found = self._merged(lines)
        sealed = {path.name.partition("=")[2] for path in self._archive.glob("project_id=*/")}
        known = sealed | self._projects
        for name in sorted(self._wanted - known):
            there = ", ".join(sorted(known)) or "nothing yet"
            raise ProjectUnknown(f"{self._archive}: no project {name} here; there is {there}")
        return found[-lines:] if lines else []

    def follow(self, lines: int, pause: Callable[[float], None] = time.sleep) -> Iterator[Event]:
        """Yield the last events so far, then every event as it is written, for ever."""
        yield from self.last(lines)
        while True:
            pause(POLL)
            yield from self.new()

    def _merged(self, most: int | None) -> list[Event]:
        """Return new events by time, at most so many of a recorder, the newest."""
        for folder in self._journals.glob("*/"):
            if folder.name not in self._cursors:
                self._cursors[folder.name] = Cursor(folder, self._opened)
        found = [
            event
            for cursor in self._cursors.values()
            for event in deque(self._events(cursor), most)
        ]
        return sorted(found, key=lambda event: event.at)

    def _events(self, cursor: Cursor) -> Iterator[Event]:
        for event in self._narrator.events(cursor.rows()):
            self._projects.add(event.project_id)
            if self._is_wanted(event.project_id):
                yield event

    def _opened(self, recorder: str, opening: dict[str, Any]) -> None:
        self._narrator.know(recorder, opening.get("memory", {}))
        self._projects.update(opening.get("coverage", {}).get("watches", {}))

    def _is_wanted(self, project: str) -> bool:
        return not self._wanted or project in self._wanted
