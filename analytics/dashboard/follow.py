"""Follows an archive as it grows: each byte of the journal once, each part once.

It reads and remembers how far; it opens no database and knows nothing of what rows mean. A row may
come twice, from the journal and from the part that was made of it: its key tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archiver import contract
from archiver.unsealed import Reader, partitioned

if TYPE_CHECKING:
    import pyarrow as pa

TOLD = ("control", "gap")
"""The kinds of rows whose facts stand in the payload; no other payload is read."""


class News(NamedTuple):
    """What the journal has grown by, and what its segments vouch for so far."""

    rows: list[dict[str, Any]]
    covered: list[dict[str, Any]]

    def of(self, project_id: str) -> News:
        """Return what concerns a project."""
        return News(
            [row for row in self.rows if row["project_id"] == project_id],
            [row for row in self.covered if row["project_id"] == project_id],
        )


@dataclass
class _Segment:
    reader: Reader
    taken: int = 0

    def grow(self, path: Path) -> list[dict[str, Any]]:
        with path.open("rb") as file:
            file.seek(self.taken)
            rows, size = self.reader.more(file.read())
        self.taken += size
        return rows


@dataclass
class Journal:
    """The journals of all recorders of an archive."""

    root: Path
    _segments: dict[Path, _Segment] = field(default_factory=dict)

    def read(self) -> News:
        """Return what is new since the last call."""
        rows: list[dict[str, Any]] = []
        present: dict[Path, _Segment] = {}
        for path in sorted((self.root / contract.JOURNAL_FOLDER).glob("*/[0-9]*.segment")):
            segment = self._segments.get(path) or _Segment(Reader(path.parent.name))
            try:
                if path.stat().st_size != segment.taken:
                    rows += segment.grow(path)
            except FileNotFoundError:  # sealed meanwhile: what is not read yet is in its parts
                continue
            present[path] = segment
        self._segments = present
        covered = [row for one in present.values() for row in one.reader.covered()]
        return News([_without_text(row) for row in rows], covered)

    def projects(self) -> set[str]:
        """Return the projects that the recorders follow now."""
        return {
            project for one in self._segments.values() for project in one.reader.coverage.watches
        }


@dataclass
class Parts:
    """The parts of one project."""

    root: Path
    project_id: str
    _seen: set[Path] = field(default_factory=set)

    def read(self, days: Collection[date]) -> Iterator[pa.Table]:
        """Yield the rows of the parts of some days that were not there at the last call."""
        for day in sorted(days):
            folder = contract.partition(self.root, self.project_id, day)
            for path in sorted(set(folder.glob("*.parquet")) - self._seen):
                yield _part(path, self.project_id, day)
                self._seen.add(path)


def _part(path: Path, project_id: str, day: date) -> pa.Table:
    """Return a part's rows, with the payloads of those only whose facts stand there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for name in contract.NAMES if name != contract.PAYLOAD.name]
    facts = pq.read_table(
        path, columns=list(contract.NAMES), filters=[("kind", "in", TOLD)], partitioning=None
    )
    others = pq.read_table(
        path, columns=names, filters=[("kind", "not in", TOLD)], partitioning=None
    )
    others = others.append_column(
        contract.schema().field("payload"), pa.nulls(len(others), pa.string())
    )
    rows = pa.concat_tables([others.cast(contract.schema()), facts.cast(contract.schema())])
    return placed(rows, project_id, day)


def placed(rows: pa.Table, project_id: str, day: date) -> pa.Table:
    """Return rows with the columns that name their partition."""
    import pyarrow as pa

    count = len(rows)
    rows = rows.append_column("project_id", pa.array([project_id] * count, pa.string()))
    return rows.append_column("date", pa.array([day] * count, pa.date32()))


def as_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows of the journal as a table."""
    return partitioned(rows)


def _without_text(row: dict[str, Any]) -> dict[str, Any]:
    return row if row["kind"] in TOLD else row | {"payload": None}
