"""Gathers rows to a table of the contract, in an order: pure, nothing is opened.

It knows nothing of entities: how those of a kind become columns is said in `columns`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from archiver import contract
from archiver.columns import PLACED, arrow, read, strings
from archiver.extract import Row, spelled

if TYPE_CHECKING:
    import pyarrow as pa

# So many are read together: of more, what was decoded is no longer at hand; of fewer, making so
# many arrays takes longer than filling them.
_BATCH = 500


class Gathering:
    """Rows that become a table: those of a kind are read together, some of them at a time."""

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._read: list[pa.Table] = []
        self._texts: list[bytes | memoryview] = []
        self._tables: list[pa.Table] = []

    def add(self, row: Row) -> None:
        """Take a row, of which nothing but the text is kept for long."""
        row.place = self.count
        self.count += 1
        self.size += len(row.text)
        rows = self._rows[row.kind]
        rows.append(row)
        if len(rows) == _BATCH:
            self._read_all(row.kind)

    def add_table(self, table: pa.Table, size: int = 0) -> None:
        """Take rows that are a table already, with `size` bytes of payload."""
        self.count += len(table)
        self.size += size
        self._tables.append(table)

    def table(self, order: Sequence[tuple[str, str]] = ()) -> pa.Table:
        """Return the rows in the contract's schema, as they came or in a given order."""
        import pyarrow as pa

        if not self._tables:
            return self._ordered(order)
        return pa.concat_tables([*self._tables, self._ordered()]).sort_by(order)

    def _ordered(self, order: Sequence[tuple[str, str]] = ()) -> pa.Table:
        columns, places = self._columns(order)
        payload = strings([self._texts[at] for at in places])
        return columns.append_column(contract.schema().field("payload"), payload)

    def _columns(self, order: Sequence[tuple[str, str]]) -> tuple[pa.Table, list[int]]:
        """Return all columns but the payload, and where the text of each row stands."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for kind in list(self._rows):
            self._read_all(kind)
        tables, self._read = [arrow([], PLACED), *self._read], []
        found = pa.concat_tables(tables, promote_options="default")
        indices = pc.sort_indices(found, sort_keys=[*order, ("place", "ascending")])
        return found.select(contract.NAMES[:-1]).take(indices), indices.to_pylist()

    def _read_all(self, kind: str) -> None:
        """Read the rows of a kind; those that are refused are spelled out, each for itself."""
        rows = self._rows.pop(kind)
        while rows:
            columns, bad = read(kind, rows)
            texts = [row.text for row in rows]
            if columns is None:
                told = [spelled(rows[n]) | {"place": rows[n].place} for n in bad]
                columns, texts = arrow(told, PLACED), [one["payload"].encode() for one in told]
            self._read.append(columns)
            self._texts += texts
            rows = [rows[n] for n in range(len(rows)) if n not in bad] if bad else []


def table(rows: Iterable[Row]) -> pa.Table:
    """Return rows as an Arrow table in the contract's schema."""
    gathering = Gathering()
    for row in rows:
        gathering.add(row)
    return gathering.table()
