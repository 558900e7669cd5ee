"""Turns the bytes of a journal segment into rows of the contract: pure, nothing is opened.

The sealer makes parts of these rows; a reader who wants the last minutes uses them as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from copy import copy, deepcopy
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from archiver import contract, gathering
from archiver.coverage import Coverage, Fact
from archiver.extract import EPOCH, Row, read
from archiver.frames import EMPTY, read_topic
from archiver.records import CONTROL, HEADER, Damage, Record, decode

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 24 * 3600 * 1_000_000
DIED = "the recorder died"
STOPPED = "the recorder was stopped"
_ALIVE = b'{"control": "alive"}'
"""Most control records are that."""


class Reader:
    """Reads one segment record by record, folding the coverage on the way.

    After the last record, `coverage` is the state for what comes next, `seq` the last number
    seen, `damages` what could not be read, and `end` how the segment ended: `rolled`, `stopped`,
    or None when its writer died or still writes.
    """

    def __init__(self, recorder: str = "", coverage: Coverage | None = None) -> None:
        self.recorder = recorder
        self.coverage = coverage or Coverage()
        self.opening: dict[str, Any] = {}
        self.seq = -1
        self.first = -1
        self.at: int | None = None
        self.end: str | None = None
        self.damages: list[Damage] = []
        self._is_hole = False

    def rows(self, data: bytes, *, live: bool = False) -> Iterator[Row]:
        """Yield every row of the segment; `live` tells that its writer may still be at work."""
        yield from chain.from_iterable(map(self._item, decode(data)))
        yield from self._finish(live=live)

    def more(self, data: bytes) -> tuple[list[Row], int]:
        """Return the rows of what a segment has grown by, and of how many bytes they are.

        A torn tail is left: give it again, with what has been written since. What the segment
        covers is not among the rows: see `covered`.
        """
        found: list[Row] = []
        taken = 0
        for item in decode(data):
            if isinstance(item, Damage) and item.end == len(data):
                break
            found += self._item(item)
            taken = item.end if isinstance(item, Damage) else taken + HEADER + len(item.data)
        return found, taken

    def covered(self) -> list[Row]:
        """Return the rows of what is covered so far, as if the segment were at its end."""
        ahead = copy(self)
        ahead.coverage = deepcopy(self.coverage)
        return ahead._finish(live=True)  # noqa: SLF001 (our own copy)

    def _item(self, item: Record | Damage) -> list[Row]:
        """Take what comes next, and return its rows."""
        if isinstance(item, Damage):
            self.damages.append(item)
            self._is_hole = True
            return []
        facts = self._begun(item) if self._is_hole or self.first < 0 else []
        self.seq, self.at = item.seq, item.at
        if item.type == CONTROL:
            found = self._facts(item.seq, facts, -2, -1)
            return found + self._facts(item.seq, self.control(item), 0, 1)
        frame, found = read(item, self.recorder)
        size = len(found) - frame.whole if frame.is_snapshot and frame.message not in EMPTY else 0
        source, more = self.coverage.frame(frame, item.connection, size, item.at)
        for row in found:
            row.source = source
        if facts or more:
            found += self._facts(item.seq, facts + more, -2, -1)
        return found

    def _begun(self, record: Record) -> list[Fact]:
        """Take the first record, or the first after a hole."""
        is_later, self._is_hole = self.at is not None and self._is_hole, False
        if self.first < 0:
            self.first = record.seq
        return self.coverage.damaged(record.at) if is_later else []

    def control(self, record: Record) -> list[Fact]:
        """Fold a control record; return what is to be kept of it."""
        facts: dict[str, Any] = {"control": "alive"}
        if record.data != _ALIVE:  # most of a quiet journal
            facts = json.loads(bytes(record.data))
        topic = facts.get("topic", "")
        about = read_topic(topic)
        project = about.project_id if about else contract.UNKNOWN_PROJECT
        match facts["control"]:
            case "opened":
                self.opening = facts
                self.recorder = facts["recorder"]
                self.coverage = Coverage.from_json(facts["coverage"])
            case "connected":
                return self.coverage.connected(record.connection, facts["projects"], record.at)
            case "disconnected":
                return self.coverage.disconnected(record.connection, facts["why"], record.at)
            case "alive":
                return self.coverage.alive(record.connection, record.at)
            case "subscribed":
                self.coverage.subscribed(topic, facts["source"])
            case "unsubscribed":
                return self.coverage.unsubscribed(topic, project, record.at)
            case "refused":
                return self.coverage.refuse(topic, project, facts["since"], record.at)
            case "rolled" | "stopped" as end:
                self.end = end
        return []

    def _finish(self, *, live: bool) -> list[Row]:
        """Return what the segment covers; its rows bear the number of the first record.

        That is the opening, which has no rows of its own, unless damage took it.
        """
        if self.at is None:
            return []
        facts = self.coverage.rolled()
        if self.end == "stopped":
            facts += self.coverage.ended(STOPPED, self.at)
        elif self.end is None and not live:
            facts += self.coverage.ended(DIED)
        return self._facts(self.first, facts, 0 if self.opening else -1_000_000, 1)

    def _facts(self, seq: int, facts: Iterable[Fact], element: int, step: int) -> list[Row]:
        return [
            Row(
                fact.project_id,
                fact.kind,
                element + step * n,
                json.dumps(fact.facts, ensure_ascii=False).encode(),
                fact.facts.get("topic"),
                received_at=fact.at,
                recorder=self.recorder,
                seq=seq,
                source="recorder",
            )
            for n, fact in enumerate(facts)
        ]


def day_of(at: int) -> date:
    """Return the UTC day of a time, which names the partition."""
    return (EPOCH + timedelta(microseconds=at)).date()


def table(data: bytes, recorder: str = "") -> pa.Table:
    """Return the rows of a segment that may still be written to.

    Columns are the contract's, then `project_id` (string) and `date` (date32). A torn tail is
    passed over; what comes after it is read at the next call.
    """
    return partitioned(list(Reader(recorder).rows(data, live=True)))


def partitioned(rows: Sequence[Row]) -> pa.Table:
    """Return rows as an Arrow table, with the columns that name their partitions."""
    import pyarrow as pa

    found = gathering.table(rows)
    projects = pa.array([row.project_id for row in rows], pa.string())
    days = found.column("received_at").cast(pa.date32())
    return found.append_column("project_id", projects).append_column("date", days)
