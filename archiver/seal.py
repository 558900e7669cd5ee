"""Turns a closed journal segment into parts of the archive.

One part per project and UTC day of receipt, named after recorder and segment, so that doing it
again overwrites each part with itself. The segment goes only after all its parts are durable; a
damaged one is set aside, with what could be read of it sealed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver import contract, fs, journal
from archiver.errors import ArchiverError, ArchiveUnwritable
from archiver.unsealed import Reader, arrow, day_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH = 500
# A row group has room for a whole segment of the default size, so that all versions of a chat
# stand in one page, next to each other: they differ in little. The level is the first at which
# typed columns and payload together take no more than the frames would as compressed lines.
_ROWS = 50_000
_BYTES = 32 * 2**20
_PAGE = 8 * 2**20
_LEVEL = 6
_RISING = ("received_at", "seq")
# What one may look for; a part is one row group, or few, so that statistics of all columns would
# only make small parts large.
_TELLING = (*_RISING, "source", "kind", "entity_id", "request_id", "created_at", "updated_at")
_FEW = 500


class _Part:
    """A part being written: rows gather to row groups of bounded size, chat by chat in each.

    The recorder's own rows come last, in a group of their own where it is worth one: who asks for
    them reads little.
    """

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self.writer = writer
        self.count = 0
        self.own: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []
        self._tables: list[pa.Table] = []
        self._gathered = 0
        self._bytes = 0

    def add(self, row: dict[str, Any]) -> None:
        self.count += 1
        if row["source"] == "recorder":
            self.own.append(row)
            return
        self._rows.append(row)
        self._gathered += 1
        self._bytes += len(row["payload"])
        if len(self._rows) >= _BATCH:
            self._pack()
        if self._gathered >= _ROWS or self._bytes >= _BYTES:
            self._write(self._take())

    def _pack(self) -> None:
        """Turn rows into a table, which takes less memory."""
        if self._rows:
            self._tables.append(arrow(self._rows))
            self._rows = []

    def _take(self) -> list[pa.Table]:
        """Return what has gathered as a table, chat by chat, each in the order of receiving."""
        import pyarrow as pa

        self._pack()
        if not self._tables:
            return []
        table = pa.concat_tables(self._tables).combine_chunks()
        self._tables.clear()
        self._gathered = self._bytes = 0
        return [table.sort_by("request_id")]

    def _write(self, tables: list[pa.Table]) -> None:
        import pyarrow as pa

        if tables:
            table = pa.concat_tables(tables)
            self.writer.write_table(table, row_group_size=len(table))

    def abandon(self) -> None:
        """Let go of a writer that was not finished, before its file is closed under it."""
        if self.writer.is_open:
            with suppress(OSError, ValueError):
                self.writer.close()
            self.writer.is_open = False

    def finish(self, facts: dict[str, Any]) -> None:
        """Write what is left; the footer tells the facts, what is covered and the gaps."""
        is_small = self._gathered < _FEW
        left, own = self._take(), [arrow(self.own)] if self.own else []
        for tables in [left + own] if is_small else [left, own]:
            self._write(tables)
        told = [json.loads(row["payload"]) for row in self.own]
        facts |= {
            "rows": self.count,
            "covered": [[o["since"], o["until"]] for o in told if o.get("control") == "covered"],
            "gaps": [o for o in told if "control" not in o],
        }
        self.writer.add_key_value_metadata({contract.FACTS: json.dumps(facts)})
        self.writer.close()


def steps(archive: Path, segment: Path, recorder: str, modes: fs.Modes) -> Iterator[str]:
    """Move one segment into the archive, yielding the name of each durable step when it is done.

    A crash between any two loses nothing, and doing it again repeats nothing.
    """
    reader = Reader(recorder)
    with ExitStack() as stack:
        parts: dict[tuple[str, date], _Part] = {}
        data = segment.read_bytes()
        for row in reader.rows(data):
            key = (row["project_id"], day_of(row["received_at"]))
            if key not in parts:
                parts[key] = _begin(stack, archive, key, segment, recorder, modes)
            parts[key].add(row)
        size = len(data)
        del data  # a third of what sealing takes
        for part in parts.values():
            part.finish(_facts(reader, segment))
        yield f"wrote {len(parts)} drafts"
    yield f"published {len(parts)} parts"
    torn = [damage.end - damage.start for damage in reader.damages if damage.end == size]
    if len(torn) < len(reader.damages):
        segment.rename(segment.with_suffix(journal.DAMAGED))
        fs.sync_folder(segment.parent)
        yield "set the damaged segment aside"
    else:
        fs.remove(segment)
        yield f"removed the segment, {sum(torn)} bytes torn"


def _begin(
    stack: ExitStack,
    archive: Path,
    key: tuple[str, date],
    segment: Path,
    recorder: str,
    modes: fs.Modes,
) -> _Part:
    import pyarrow.parquet as pq

    folder = contract.partition(archive, *key)
    draft = stack.enter_context(
        fs.publish(folder / contract.part_name(recorder, int(segment.stem)), modes)
    )
    writer = pq.ParquetWriter(
        draft,
        contract.schema(),
        compression="zstd",
        compression_level=_LEVEL,
        data_page_size=_PAGE,
        write_page_checksum=True,
        write_statistics=list(_TELLING),
        use_dictionary=[n for n in contract.NAMES if n not in (*_RISING, contract.PAYLOAD.name)],
        column_encoding=dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
        store_schema=False,  # Parquet's own says all of it
    )
    part = _Part(writer)
    stack.callback(part.abandon)
    return part


def _facts(reader: Reader, segment: Path) -> dict[str, Any]:
    return {
        "format": contract.VERSION,
        "recorder": reader.recorder,
        "segment": int(segment.stem),
        "first_seq": reader.first,
        "last_seq": reader.seq,
    }


def seal(archive: Path, segment: Path, recorder: str, modes: fs.Modes = fs.PRIVATE) -> list[str]:
    """Seal one segment; another process at work on it is waited for, and then there is nothing."""
    held = fs.lock(segment.parent / "sealing", modes, wait=True)
    assert held is not None
    try:
        return list(steps(archive, segment, recorder, modes)) if segment.exists() else []
    except OSError as error:
        raise ArchiveUnwritable(
            f"{segment}: cannot seal it ({error.strerror or error});"
            " make room in the archive, then run 'archiver seal'"
        ) from error
    finally:
        os.close(held)


class _WithoutPandas:
    """Keeps pyarrow from importing pandas, where it is installed: 50 MB and 0.25 s for nothing."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse one name, leave the others to the others."""
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def main(archive: str, recorder: str, readable: str, *segments: str) -> None:
    """Seal segments in a process of its own, which is what a recorder starts beside itself."""
    os.nice(10)  # receiving goes first
    sys.meta_path.insert(0, _WithoutPandas)
    modes = fs.GROUP_READABLE if readable == "group" else fs.PRIVATE
    try:
        for segment in segments:
            seal(Path(archive), Path(segment), recorder, modes)
    except ArchiverError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
