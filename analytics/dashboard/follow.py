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

from analytics.errors import ArchiveUnreadable
from archiver import contract, listing
from archiver.errors import PartitionDamaged
from archiver.unsealed import Reader, partitioned

if TYPE_CHECKING:
    import pyarrow as pa

TOLD = ("control", "gap")
"""The kinds of rows whose facts stand in the payload; no other payload is read."""

BATCH = 1024
"""How many rows of a part are in memory at once with their texts."""


class News(NamedTuple):
    """What the journal has grown by, and what its segments vouch for so far."""

    rows: pa.Table
    covered: pa.Table

    def of(self, project_id: str) -> News:
        """Return what concerns a project."""
        import pyarrow.compute as pc

        of_it = pc.field("project_id") == project_id
        return News(self.rows.filter(of_it), self.covered.filter(of_it))


@dataclass
class _Segment:
    reader: Reader
    taken: int = 0

    def grow(self, path: Path) -> pa.Table:
        with path.open("rb") as file:
            file.seek(self.taken)
            rows, size = self.reader.more(file.read())
        self.taken += size
        return _without_texts(partitioned(rows))


@dataclass
class Journal:
    """The journals of all recorders of an archive."""

    root: Path
    _segments: dict[Path, _Segment] = field(default_factory=dict)

    def read(self) -> News:
        """Return what is new since the last call."""
        import pyarrow as pa

        rows = [_without_texts(partitioned([]))]
        present: dict[Path, _Segment] = {}
        for path in sorted((self.root / contract.JOURNAL_FOLDER).glob("*/[0-9]*.segment")):
            segment = self._segments.get(path) or _Segment(Reader(path.parent.name))
            try:
                if path.stat().st_size != segment.taken:
                    rows.append(segment.grow(path))
            except FileNotFoundError:  # sealed meanwhile: what is not read yet is in its parts
                continue
            present[path] = segment
        self._segments = present
        covered = [row for one in present.values() for row in one.reader.covered()]
        return News(pa.concat_tables(rows), partitioned(covered))

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

    def last_day(self) -> date | None:
        """Return the last UTC day of which there are parts, however long ago."""
        found = (self.root / f"project_id={self.project_id}").glob("date=????-??-??")
        return max(
            (date.fromisoformat(one.name.removeprefix("date=")) for one in found), default=None
        )

    def read(self, days: Collection[date]) -> Iterator[pa.Table]:
        """Yield the rows of the parts of some days that were not there at the last call."""
        for day in sorted(days):
            try:
                found = listing.look(contract.partition(self.root, self.project_id, day))
            except PartitionDamaged as error:
                raise ArchiveUnreadable(str(error)) from error
            for path in self._unseen(found):
                try:
                    yield from rows_of(path, self.project_id, day)
                except ValueError as error:  # pyarrow's: what stands there is no Parquet
                    raise ArchiveUnreadable(
                        f"{path}: not a whole part; see 'archiver verify'"
                    ) from error
                self._seen.add(path)
            self._seen |= found.origins

    def _unseen(self, found: listing.Listing[Path]) -> list[Path]:
        """Return what is to be read; what was compacted of parts that were read is not."""
        if found.origins <= self._seen:
            self._seen.update(found.compacted)
        return [path for path in found.parts if path not in self._seen]


def rows_of(path: Any, project_id: str, day: date) -> Iterator[pa.Table]:
    """Yield a part's rows, some at a time, with the columns that name its partition."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as part:
        for batch in part.iter_batches(BATCH, columns=list(contract.NAMES)):
            rows = pa.Table.from_batches([batch]).cast(contract.schema())
            rows = _without_texts(rows)
            rows = rows.append_column("project_id", pa.array([project_id] * len(rows)))
            yield rows.append_column("date", pa.array([day] * len(rows), pa.date32()))


def _without_texts(rows: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    is_told = pc.is_in(rows.column("kind"), value_set=pa.array(TOLD))
    payload = pc.if_else(is_told, rows.column("payload"), pa.scalar(None, pa.string()))
    return rows.set_column(contract.NAMES.index("payload"), "payload", payload)
