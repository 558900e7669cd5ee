"""A recorder's state between segments, and how it is rebuilt after a crash.

`state.json` holds the numbers to use next, what is covered, and what is followed, as of the end of
the last segment that was closed. Segments numbered from `segment` on, or that hold records
numbered from `seq` on, are folded on top of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver import contract, fs, journal, listing, records
from archiver.coverage import Coverage
from archiver.errors import JournalDamaged
from archiver.frames import read_frame
from archiver.memory import Memory
from archiver.unsealed import Reader

NAME = "state.json"


@dataclass
class State:
    """Numbers to use next (never used twice), coverage and memory."""

    segment: int = 1
    seq: int = 1
    connection: int = 1
    coverage: Coverage = field(default_factory=Coverage)
    memory: Memory = field(default_factory=Memory)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        return {
            "format": contract.VERSION,
            "segment": self.segment,
            "seq": self.seq,
            "connection": self.connection,
            "coverage": self.coverage.to_json(),
            "memory": self.memory.to_json(),
        }

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> State:
        """Return the state that `to_json` told."""
        return cls(
            facts["segment"],
            facts["seq"],
            facts["connection"],
            Coverage.from_json(facts["coverage"]),
            Memory.from_json(facts["memory"]),
        )

    def save(self, folder: Path, modes: fs.Modes) -> None:
        """Replace the recorder's `state.json`, durably."""
        with fs.publish(folder / NAME, modes) as file:
            file.write(json.dumps(self.to_json(), ensure_ascii=False).encode())


def load(folder: Path) -> State | None:
    """Return the state saved in a recorder's folder, None if there is none."""
    path = folder / NAME
    try:
        return State.from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalDamaged(
            f"{path}: not a recorder's state ({type(error).__name__});"
            " restore it from a copy, or record under another --recorder name"
        ) from error


def recover(archive: Path, folder: Path, recorder: str) -> State:
    """Return the state to go on from: what was saved, and the segments written since."""
    state = load(folder)
    if state is None:
        _refuse_if_sealed(archive, folder, recorder)
        state = State()
    for path in journal.segments(folder):
        data = journal.read(path)  # what a dead recorder began to seal goes on being sealed
        if int(path.stem) >= state.segment or _goes_beyond(state, data):
            fold(state, int(path.stem), data, recorder)
    return state


def _goes_beyond(state: State, data: bytes) -> bool:
    """Tell whether a segment went on after the state was saved: there was no room for the next.

    It is the last one then: only those before it are sealed, and they are all in the state.
    """
    found = records.decode(data)
    return any(isinstance(item, records.Record) and item.seq >= state.seq for item in found)


def _refuse_if_sealed(archive: Path, folder: Path, recorder: str) -> None:
    """Numbers that were used once must never be used again, and only the state knows them."""
    if journal.segments(folder):
        return
    for partition in listing.partitions(archive):
        found = listing.look(partition)
        for name in sorted(found.names | set(found.manifest.replaced)):
            if name.removesuffix(".parquet").rpartition("-")[0] == recorder:
                raise JournalDamaged(
                    f"{folder / NAME}: missing, but {name} was written by this recorder;"
                    " restore it from a copy, or record under another --recorder name"
                )


def fold(state: State, number: int, data: bytes, recorder: str) -> None:
    """Bring a state to the end of a segment."""
    reader = Reader(recorder, state.coverage)
    for _ in reader.rows(data):
        pass
    state.coverage = reader.coverage
    if "memory" in reader.opening:
        state.memory = Memory.from_json(reader.opening["memory"])
    state.segment = max(state.segment, number + 1)
    for item in records.decode(data):
        if isinstance(item, records.Record):
            state.seq = max(state.seq, item.seq + 1)
            state.connection = max(state.connection, item.connection + 1)
            if item.type == records.TEXT:
                state.memory.learn(read_frame(bytes(item.data)))
