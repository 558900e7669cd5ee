"""Writes a part: rows gather to row groups of bounded size, chat by chat in each.

Sealing and compaction write by it, so that parts are alike whoever made them. It knows nothing of
where rows come from, nor of names and folders.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from archiver import contract
from archiver.extract import Row
from archiver.gathering import Gathering

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# A row group has room for a whole segment of the default size, so that all versions of a chat
# stand in one page, next to each other: they differ in little. The level is the first at which
# typed columns and payload together take no more than the frames would as compressed lines.
_ROWS = 50_000
_BYTES = 32 * 2**20
_PAGE = 4 * 2**20
LEVEL = 6
# Where many segments wait: a tenth of the time less, for parts a sixth larger until their day is
# compacted.
HURRIED = 3
_RISING = ("received_at", "seq")
# What one may look for; a part is one row group, or few, so that statistics of all columns would
# only make small parts large.
_TELLING = (*_RISING, "source", "kind", "entity_id", "request_id", "created_at", "updated_at")
_FEW = 500


class Part:
    """A part being written, in a given order of the rows of each row group.

    The recorder's own rows come last, in a group of their own where it is worth one: who asks for
    them reads little.
    """

    def __init__(
        self, file: BinaryIO, order: Sequence[str] = ("request_id",), level: int = LEVEL
    ) -> None:
        self.count = 0
        self._file = file
        self._writer = _writer(file, level)
        self._order = [(name, "ascending") for name in order]
        self._own = Gathering()
        self._rows = Gathering()

    @property
    def size(self) -> int:
        """How many bytes are written."""
        return self._file.tell()

    def add(self, row: Row) -> None:
        """Take a row; those of a chat come in the order of receiving."""
        self.count += 1
        if row.source == "recorder":
            self._own.add(row)
            return
        self._rows.add(row)
        if self._rows.count >= _ROWS or self._rows.size >= _BYTES:
            self._write(self._take())

    def add_table(self, table: pa.Table) -> None:
        """Take rows of another part."""
        import pyarrow.compute as pc

        self.count += len(table)
        is_own = pc.equal(table["source"], "recorder")
        self._own.add_table(table.filter(is_own))
        rest = table.filter(pc.invert(is_own))
        size = pc.sum(pc.binary_length(rest["payload"])).as_py() or 0
        if self._rows.count + len(rest) > _ROWS or self._rows.size + size > _BYTES:
            self._write(self._take())
        self._rows.add_table(rest, size)

    def _take(self) -> pa.Table:
        """Return what has gathered as a table, chat by chat, each in the order of receiving."""
        rows, self._rows = self._rows, Gathering()
        return rows.table(self._order)

    def _write(self, *tables: pa.Table) -> None:
        import pyarrow as pa

        count = sum(len(table) for table in tables)
        if count:
            self._writer.write_table(pa.concat_tables(tables), row_group_size=count)

    def close(self) -> None:
        """Let go of a writer that was not finished, before its file is closed under it."""
        if self._writer.is_open:
            with suppress(OSError, ValueError):
                self._writer.close()
            self._writer.is_open = False

    def finish(self, facts: dict[str, Any]) -> None:
        """Write what is left; the footer tells the facts, what is covered and the gaps."""
        left, own = self._take(), self._own.table(self._order)
        if len(left) < _FEW:
            self._write(left, own)
        else:
            self._write(left)
            self._write(own)
        told = [json.loads(text) for text in own["payload"].to_pylist()]
        facts |= {
            "rows": self.count,
            "covered": [[o["since"], o["until"]] for o in told if o.get("control") == "covered"],
            "gaps": [o for o in told if "control" not in o],
        }
        self._writer.add_key_value_metadata({contract.FACTS: json.dumps(facts)})
        self._writer.close()


def _writer(file: BinaryIO, level: int) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        file,
        contract.schema(),
        compression="zstd",
        compression_level=level,
        data_page_size=_PAGE,
        write_page_checksum=True,
        write_statistics=list(_TELLING),
        use_dictionary=[n for n in contract.NAMES if n not in (*_RISING, contract.PAYLOAD.name)],
        column_encoding=dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
        store_schema=False,  # Parquet's own says all of it
    )
