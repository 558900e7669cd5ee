"""Whether an archive is whole: reads every byte, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from archiver import contract, fs, journal, listing, manifest, records, state
from archiver.coverage import iso
from archiver.errors import ArchiverError
from archiver.recording import wall_clock
from archiver.status import facts_of, is_running
from archiver.unsealed import day_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

# Of each recorder and segment, the sequences that it held.
Ranges = dict[str, dict[int, tuple[int, int]]]

# What the footer of every part tells of each segment in it.
_FACTS = {"recorder": str, "segment": int, "first_seq": int, "last_seq": int}

# What was replaced goes an hour later, at the next run: if it is still there then, nobody runs.
LEFT = 24 * 3600 * 1_000_000

MISSING = f"missing, but {manifest.NAME} names it; restore it from a copy"


def faults(
    archive: Path, progress: Any = iter, clock: Callable[[], int] = wall_clock
) -> Iterator[str]:
    """Yield what is wrong with an archive, a line each.

    `progress` wraps the list of parts while they are read. A part that does not count, because a
    compaction replaced it or was cut off, is not read.
    """
    ranges: Ranges = {}
    aside: set[Path] = set()
    for folder in listing.partitions(archive):
        try:
            found = listing.look(folder)
        except ArchiverError as error:
            yield str(error)
            continue
        aside |= {folder / name for name in found.names} - set(found.parts)
        yield from missing(found)
        if not fs.is_locked(archive / manifest.COMPACTING):
            yield from leftovers(found, clock() - LEFT)
    for path in progress(sorted(set(archive.rglob("*.parquet")) - aside)):
        told = part_faults(path, ranges)
        yield from (f"{path}: {fault}" for fault in told if path.exists())  # or it was replaced
    yield from overlaps(ranges)
    for folder in sorted((archive / contract.JOURNAL_FOLDER).glob("*/")):
        yield from _journal_faults(folder)


def missing(found: listing.Listing[Any]) -> Iterator[str]:
    """Yield what is missing of what a compaction made."""
    for name in found.missing:
        yield f"{found.folder / name}: {MISSING}"


def leftovers(found: listing.Listing[Any], long_ago: int) -> Iterator[str]:
    """Yield what a compaction left that ended half-way, or that nobody has removed since then."""
    for name in sorted(found.leftovers):
        yield f"{found.folder / name}: left by a compaction that died; run 'archiver compact'"
    for name in sorted(found.superseded(iso(long_ago))):
        yield f"{found.folder / name}: was replaced long ago; run 'archiver compact'"


def part_faults(path: PurePath, ranges: Ranges, source: Any = None) -> Iterator[str]:
    """Yield what is wrong with a part; `ranges` is told which segments it holds.

    It is read from its `source` if that is not its file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source or path, page_checksum_verification=True) as file:
            facts = facts_of(file.metadata)
            if not path.match(contract.parts_glob()) or not facts:
                yield "not a part that a recorder wrote; move it out of the archive"
                return
            segments = segments_of(facts)
            if not segments:
                yield "damaged (its footer is incomplete); restore it from a copy"
                return
            if not file.schema_arrow.equals(contract.schema()):
                yield f"its columns are not those of format {contract.VERSION}"
                return
            project = path.parts[-3].partition("=")[2]
            batches, strangers = [], 0
            for index in range(file.num_row_groups):
                group = file.read_row_group(index)
                _check_statistics(file.schema, file.metadata.row_group(index), group)
                if len(group):
                    batches.append(_measure(group))
                    strangers += _strangers(group, project)
    except (OSError, ValueError, pa.ArrowException) as error:
        yield f"damaged ({str(error).splitlines()[0]}); restore it from a copy"
        return
    yield from _disagreements(path, facts, segments, batches)
    if strangers:
        yield f"holds {strangers} rows of other projects"
    for one in segments:
        span = (one["first_seq"], one["last_seq"])
        known = ranges.setdefault(one["recorder"], {}).setdefault(one["segment"], span)
        if known != span:
            yield f"differs from another part of segment {one['segment']}"


def segments_of(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a footer tells of the segments in a part; nothing if it is incomplete."""
    found = facts.get("segments", [facts])
    is_whole = isinstance(facts.get("rows"), int) and all(
        isinstance(one.get(name), type_) for one in found for name, type_ in _FACTS.items()
    )
    return [{name: one[name] for name in _FACTS} for one in found] if is_whole else []


def _check_statistics(schema: pq.ParquetSchema, told: pq.RowGroupMetaData, group: pa.Table) -> None:
    """Raise for statistics that are not the column's: engines skip row groups by them."""
    import pyarrow.compute as pc

    for index in range(told.num_columns):
        column = told.column(index)
        if column.physical_type != schema.column(index).physical_type:
            raise ValueError(f"wrong type of {column.path_in_schema}")
        if not column.is_stats_set or column.path_in_schema not in group.column_names:
            continue
        told_of = column.statistics
        values = group[column.path_in_schema]
        found = pc.min_max(values).as_py()
        if told_of.has_min_max and {"min": told_of.min, "max": told_of.max} != found:
            raise ValueError(f"wrong statistics of {column.path_in_schema}")
        if told_of.has_null_count and told_of.null_count != values.null_count:
            raise ValueError(f"wrong count of nulls of {column.path_in_schema}")


def _measure(batch: pa.Table) -> tuple[int, int, int, int, int]:
    """Return rows, first and last sequence, first and last time of a row group."""
    import pyarrow as pa
    import pyarrow.compute as pc

    seq = pc.min_max(batch["seq"]).as_py()
    at = pc.min_max(batch["received_at"].cast(pa.int64())).as_py()
    return batch.num_rows, seq["min"], seq["max"], at["min"], at["max"]


def _strangers(batch: pa.Table, project: str) -> int:
    """Count the rows whose topic names another project than their folder."""
    import pyarrow.compute as pc

    if project == contract.UNKNOWN_PROJECT:
        return 0
    ours = pc.starts_with(batch["topic"], f"/{project}/")
    return int(pc.sum(pc.invert(ours)).as_py() or 0)


def _disagreements(
    path: PurePath,
    facts: dict[str, Any],
    segments: list[dict[str, Any]],
    batches: list[tuple[int, int, int, int, int]],
) -> Iterator[str]:
    """Yield where a part's rows are not what its footer, its name and its folder say."""
    count = sum(batch[0] for batch in batches)
    if count != facts["rows"]:
        yield f"holds {count} rows, but {facts['rows']} were written"
    if "segments" in facts:
        told = (facts.get("generation", 0), facts.get("number", 0), facts.get("writer", ""))
        if path.name != manifest.compacted_name(*told):
            yield "is not the compacted part that its name says"
    elif path.name != contract.part_name(facts["recorder"], facts["segment"]):
        yield f"holds segment {facts['segment']} of {facts['recorder']}, not what its name says"
    if not batches:
        return
    dates = {str(day_of(at)) for batch in batches for at in batch[3:]}
    if dates != {path.parent.name.partition("=")[2]}:
        yield f"holds rows of {', '.join(sorted(dates))}"
    low, high = min(batch[1] for batch in batches), max(batch[2] for batch in batches)
    first = min(one["first_seq"] for one in segments)
    last = max(one["last_seq"] for one in segments)
    if not first <= low <= high <= last:
        yield f"holds sequences {low} to {high}, not {first} to {last}"


def overlaps(ranges: Ranges) -> Iterator[str]:
    """Yield which segments claim the same sequences."""
    for recorder, segments in sorted(ranges.items()):
        yield from _overlaps(recorder, segments)


def _overlaps(recorder: str, segments: dict[int, tuple[int, int]]) -> Iterator[str]:
    reached, before = -1, 0
    for segment, (first, last) in sorted(segments.items()):
        if first <= reached:
            yield f"{recorder}: segments {before} and {segment} overlap at sequence {first}"
        if last > reached:
            reached, before = last, segment


def _journal_faults(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob(f"*{journal.DAMAGED}")):
        yield f"{path}: set aside as damaged; its good records are in the archive"
    paths = journal.segments(folder)
    for path in paths:
        data = journal.read(path)
        for item in records.decode(data):
            # The end of the newest segment may be torn, or still being written.
            is_tail = (
                path == paths[-1] and isinstance(item, records.Damage) and item.end == len(data)
            )
            if isinstance(item, records.Damage) and not is_tail:
                yield f"{path}: damaged from byte {item.start} to {item.end}"
    try:
        if state.load(folder) is None and not is_running(folder):
            yield f"{folder / state.NAME}: missing"
    except ArchiverError as error:
        yield str(error)
