"""Rewrites the many parts of a day that is over as few.

New parts are written beside the old ones, proved to hold the same rows, and take their place when
the partition's manifest is replaced; the old ones go when nobody can still be reading them. A crash
at any point leaves what the next run mends. A part that is damaged is named, and left alone. Where
the archive is, in a folder or in a bucket, its place knows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archiver import contract, fs
from archiver.bucket import Remote, is_address, parse
from archiver.coverage import iso
from archiver.errors import (
    ArchiverError,
    ArchiveUnwritable,
    CompactionLocked,
    CompactionLost,
    PartitionDiffers,
    StoreRefuses,
    StoreUnreachable,
)
from archiver.listing import Listing
from archiver.manifest import Span, compacted_name
from archiver.part import Part
from archiver.place import LocalPlace, Partition, Place, Source
from archiver.proof import prove
from archiver.recording import wall_clock
from archiver.seal import give_way
from archiver.status import facts_of, first_received
from archiver.unsealed import day_of
from archiver.verify import part_faults, segments_of

if TYPE_CHECKING:
    import pyarrow as pa

# What is smaller is worth being merged; a new part ends when it has grown to the other.
_SMALL = 64 * 2**20
_LARGE = 128 * 2**20
_ORDER = ("request_id", *contract.KEY)


class Extent(NamedTuple):
    """How much there is of a partition."""

    parts: int
    size: int


# What is merged at a time: it may have to be fetched, and each part is an open file then.
_AT_A_TIME = Extent(400, 512 * 2**20)


@dataclass(frozen=True)
class Job:
    """How to compact: the wall clock, and how long what was replaced stays; microseconds."""

    clock: Callable[[], int]
    grace: int


class Compaction:
    """One partition's compaction: its steps, and what came of them."""

    def __init__(self, partition: Partition, job: Job) -> None:
        self.partition = partition
        self.job = job
        self.faults: list[str] = []
        self.removed = 0
        self.rows = 0
        self.before = self.after = Extent(0, 0)
        self.is_lost = False
        """Whether another process has compacted it meanwhile."""
        self._left = 0

    @property
    def is_rewritten(self) -> bool:
        """Tell whether the partition has other parts now."""
        return self.rows > 0

    @property
    def is_half(self) -> bool:
        """Tell whether there is more to merge than was at a time."""
        return self.is_rewritten and self._left > 0

    def run(self) -> None:
        """Go through the steps; what is wrong with this partition only is kept as its fault."""
        try:
            for _ in self.steps():
                pass
        except CompactionLost:
            self.is_lost = True
        except (StoreRefuses, StoreUnreachable):
            raise
        except ArchiverError as error:
            self.faults.append(str(error))
        except OSError as error:
            raise ArchiveUnwritable(
                f"{self.partition}: cannot compact it ({error.strerror or error});"
                f" make room in {self.partition.room}, then run 'archiver compact'"
            ) from error

    def steps(self) -> Iterator[str]:
        """Compact, yielding the name of each durable step when it is done.

        A crash between any two loses nothing, and doing it again mends what it left.
        """
        found = self.partition.look()
        gone = self.partition.leftovers(found) | found.superseded(iso(self.job.clock()))
        if gone:
            self._remove(gone)
            yield f"removed {self.removed} files of no use"
        chosen = self._choose(found)
        if len(chosen) < 2:
            return
        self.before = self.after = extent(self.partition, found)
        with self.partition.bring(chosen) as brought:
            sources = self._whole(brought)
            if len(sources) > 1:
                yield from self._rewrite(found, sources)

    def _remove(self, names: Collection[str]) -> None:
        self.partition.remove(names)
        self.removed += len(names)

    def _choose(self, found: Listing[Any]) -> list[str]:
        """Return the parts to merge: as many as may be at a time."""
        worth = candidates(self.partition, found)
        chosen, size = [], 0
        for name in worth[: _AT_A_TIME.parts]:
            size += self.partition.size(name)
            if size > _AT_A_TIME.size:
                break
            chosen.append(name)
        self._left = len(worth) - len(chosen)
        return chosen

    def _whole(self, parts: list[Source]) -> list[Source]:
        """Return those parts that are as they were written; tell of the others."""
        told = [(one, list(part_faults(one.path, {}, one.file))) for one in parts]
        self.faults += [f"{one.name}: {fault}" for one, faults in told for fault in faults]
        return [one for one, faults in told if not faults]

    def _rewrite(self, found: Listing[Any], sources: list[Source]) -> Iterator[str]:
        """Write the new parts, prove what is there now, and let it count."""
        made = list(self._write(sources, found.manifest.generation + 1))
        yield f"wrote {len(made)} parts"
        try:
            with self.partition.bring(made) as written:
                rows = prove(self.partition, sources, written)
            yield "proved them"
            gone = [one.path.name for one in sources]
            now = self.job.clock()
            grace = Span(iso(now), iso(now + self.job.grace))
            self.partition.swap(found.manifest.successor(gone, made, found.names, grace))
        except (PartitionDiffers, CompactionLost):
            self.partition.remove(made)
            raise
        after = self.partition.look()
        self.rows, self.after = rows, extent(self.partition, after)
        yield f"replaced {len(sources)} parts"
        if leftovers := self.partition.leftovers(after):
            self._remove(leftovers)

    def _write(self, sources: list[Source], generation: int) -> Iterator[str]:
        """Write the rows of some parts to others, which do not count yet; yield their names."""
        segments = sorted(
            {tuple(each.items()) for one in sources for each in segments_of(_facts(one))}
        )
        tables = _tables(sources)
        writer = self.partition.writer
        number = 0
        while (table := next(tables, None)) is not None:
            number += 1
            name = compacted_name(generation, number, writer)
            with self.partition.write(name) as file, closing(Part(file, _ORDER)) as part:
                part.add_table(table)
                while part.size < _LARGE and (table := next(tables, None)) is not None:
                    part.add_table(table)
                part.finish(
                    {
                        "format": contract.VERSION,
                        "generation": generation,
                        "number": number,
                        **({"writer": writer} if writer else {}),
                        "segments": [dict(one) for one in segments],
                    }
                )
            yield name


def place_of(archive: Path | Remote, modes: fs.Modes = fs.PRIVATE) -> Place:
    """Return the place of an archive, a folder or a bucket."""
    if isinstance(archive, Path):
        return LocalPlace(archive, modes)
    from archiver.stored_place import StoredPlace

    return StoredPlace(archive)


def compact(
    place: Place,
    job: Job,
    projects: Collection[str] = (),
    progress: Callable[[list[Partition]], Iterable[Partition]] = iter,
) -> Iterator[Compaction]:
    """Compact every closed day of an archive, or of some projects; yield each when it is done.

    `progress` wraps the list of partitions.
    """
    with place.held():
        for partition in progress(closed(place, job.clock(), projects)):
            is_half = True
            while is_half:
                one = Compaction(partition, job)
                one.run()
                yield one
                is_half = one.is_half


def due(
    place: Place, now: int, projects: Collection[str] = ()
) -> Iterator[tuple[Partition, Extent]]:
    """Yield the partitions that would be rewritten, and what they have now."""
    for partition in closed(place, now, projects):
        found = partition.look()
        if len(candidates(partition, found)) > 1:
            yield partition, extent(partition, found)


def closed(place: Place, now: int, projects: Collection[str] = ()) -> list[Partition]:
    """Return the partitions of days that are over: nothing of them is unsealed, as far as is known.

    Rows that come all the same, of a clock set back, or of a recorder elsewhere, are in a part that
    counts beside the others.
    """
    first = min([day_of(now), *place.unsealed()])
    return [
        place.partition(folder)
        for folder in place.folders()
        if folder.name < f"date={first}"
        and (not projects or folder.parent.name.removeprefix("project_id=") in projects)
    ]


def candidates(partition: Partition, found: Listing[Any]) -> list[str]:
    """Return the parts that are worth being merged, in the order of their names."""
    return [name for name in _here(found) if partition.size(name) < _SMALL]


def extent(partition: Partition, found: Listing[Any]) -> Extent:
    """Return how much counts."""
    here = _here(found)
    return Extent(len(here), sum(map(partition.size, here)))


def _here(found: Listing[Any]) -> list[str]:
    return [path.name for path in found.parts if path.name in found.names]


def _facts(one: Source) -> dict[str, Any]:
    import pyarrow.parquet as pq

    return facts_of(pq.read_metadata(one.file))


def _tables(sources: list[Source]) -> Iterator[pa.Table]:
    """Yield the row groups of parts, the part that was begun first first."""
    import pyarrow.parquet as pq

    def begun(one: Source) -> tuple[int, str]:
        return first_received(pq.read_metadata(one.file)), one.name

    for one in sorted(sources, key=begun):
        with pq.ParquetFile(one.file, page_checksum_verification=True) as file:
            for index in range(file.num_row_groups):
                yield file.read_row_group(index)


def main(archive: str, readable: str, grace: str, spool: str = "") -> None:
    """Compact in a process of its own, which is what a recorder starts beside itself."""
    give_way()
    modes = fs.GROUP_READABLE if readable == "group" else fs.PRIVATE
    faults: list[str] = []
    try:
        where = replace(parse(archive), spool=Path(spool)) if is_address(archive) else Path(archive)
        for one in compact(place_of(where, modes), Job(wall_clock, int(grace) * 1_000_000)):
            faults += one.faults
    except CompactionLocked:
        return  # another recorder's, and one is enough
    except ArchiverError as error:
        faults.append(str(error))
    if faults:
        sys.exit("\n".join(f"Error: {fault}" for fault in faults))


if __name__ == "__main__":
    main(*sys.argv[1:])
