"""Rewrites the many parts of a day that is over as few.

New parts are written beside the old ones, proved to hold the same rows, and take their place when
the partition's manifest is replaced; the old ones go when nobody can still be reading them. A crash
at any point leaves what the next run mends. A part that is damaged is named, and left alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archiver import contract, fs, journal, listing, manifest, records
from archiver.coverage import iso
from archiver.errors import ArchiverError, ArchiveUnwritable, CompactionLocked
from archiver.listing import Listing
from archiver.manifest import Manifest, compacted_name, is_compacted
from archiver.part import Part
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


@dataclass(frozen=True)
class Job:
    """How to compact: the wall clock, how long what was replaced stays, and who may read.

    Times are microseconds.
    """

    clock: Callable[[], int]
    grace: int
    modes: fs.Modes = fs.PRIVATE


class Extent(NamedTuple):
    """How much there is of a partition."""

    parts: int
    size: int


class Compaction:
    """One partition's compaction: its steps, and what came of them."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder = folder
        self.job = job
        self.faults: list[str] = []
        self.removed = 0
        self.rows = 0
        self.before = self.after = Extent(0, 0)

    @property
    def is_rewritten(self) -> bool:
        """Tell whether the partition has other parts now."""
        return self.rows > 0

    def run(self) -> None:
        """Go through the steps; what is wrong with this partition only is kept as its fault."""
        try:
            for _ in self.steps():
                pass
        except ArchiverError as error:
            self.faults.append(str(error))
        except OSError as error:
            raise ArchiveUnwritable(
                f"{self.folder}: cannot compact it ({error.strerror or error});"
                " make room in the archive, then run 'archiver compact'"
            ) from error

    def steps(self) -> Iterator[str]:
        """Compact, yielding the name of each durable step when it is done.

        A crash between any two loses nothing, and doing it again mends what it left.
        """
        found = listing.look(self.folder)
        if self._clear(found):
            yield f"removed {self.removed} files of no use"
        sources = self._whole(candidates(found))
        if len(sources) < 2:
            return
        self.before = self.after = _extent(found)
        made = list(self._write(sources, found.manifest.generation + 1))
        yield f"wrote {len(made)} parts"
        rows = prove(sources, made)
        yield "proved them"
        self._swap(found.manifest, found.names, sources, made)
        self.rows, self.after = rows, _extent(listing.look(self.folder))
        yield f"replaced {len(sources)} parts"

    def _clear(self, found: Listing) -> bool:
        """Remove what a crash left and what nobody reads any longer."""
        gone = found.leftovers | found.superseded(iso(self.job.clock()))
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        if gone:
            fs.sync_folder(self.folder)
        self.removed = len(gone)
        return self.removed > 0

    def _whole(self, paths: list[Path]) -> list[Path]:
        """Return those parts that are as they were written; tell of the others."""
        if len(paths) < 2:
            return []
        told = {path: list(part_faults(path, {})) for path in paths}
        self.faults += [f"{path}: {fault}" for path, faults in told.items() for fault in faults]
        return [path for path in paths if not told[path]]

    def _write(self, sources: list[Path], generation: int) -> Iterator[Path]:
        """Write the rows of some parts to others, which do not count yet."""
        segments = sorted(
            {tuple(one.items()) for path in sources for one in segments_of(_facts(path))}
        )
        tables = _tables(sources)
        number = 0
        while (table := next(tables, None)) is not None:
            number += 1
            path = self.folder / compacted_name(generation, number)
            with fs.publish(path, self.job.modes) as file, closing(Part(file, _ORDER)) as part:
                part.add_table(table)
                while part.size < _LARGE and (table := next(tables, None)) is not None:
                    part.add_table(table)
                part.finish(
                    {
                        "format": contract.VERSION,
                        "generation": generation,
                        "number": number,
                        "segments": [dict(one) for one in segments],
                    }
                )
            yield path

    def _swap(
        self, old: Manifest, names: Collection[str], sources: list[Path], made: list[Path]
    ) -> None:
        """Let the new parts count instead of the old ones."""
        gone = {path.name for path in sources}
        kept = {
            name: until
            for name, until in old.replaced.items()
            if name in names or not is_compacted(name)  # a segment's number is never used again
        }
        new = Manifest(
            old.generation + 1,
            tuple(sorted({*old.parts, *(path.name for path in made)} - gone)),
            kept | dict.fromkeys(sorted(gone), iso(self.job.clock() + self.job.grace)),
        )
        with fs.publish(self.folder / manifest.NAME, self.job.modes) as file:
            file.write(json.dumps(new.to_json()).encode() + b"\n")


def compact(
    archive: Path,
    job: Job,
    projects: Collection[str] = (),
    progress: Callable[[list[Path]], Iterable[Path]] = iter,
) -> Iterator[Compaction]:
    """Compact every closed day of an archive, or of some projects; yield each when it is done.

    One process at a time does. `progress` wraps the list of partitions.
    """
    held = _lock(archive, job.modes)
    try:
        for folder in progress(closed(archive, job.clock(), projects)):
            one = Compaction(folder, job)
            one.run()
            yield one
    finally:
        os.close(held)


def _lock(archive: Path, modes: fs.Modes) -> int:
    try:
        held = fs.lock(archive / manifest.COMPACTING, modes)
    except OSError as error:
        raise ArchiveUnwritable(
            f"{archive}: cannot write there ({error.strerror}); compact as the user who records"
        ) from error
    if held is None:
        raise CompactionLocked(f"{archive}: another process compacts it; let it end")
    return held


def due(archive: Path, now: int, projects: Collection[str] = ()) -> Iterator[tuple[Path, Extent]]:
    """Yield the partitions that would be rewritten, and what they have now."""
    for folder in closed(archive, now, projects):
        found = listing.look(folder)
        if len(candidates(found)) > 1:
            yield folder, _extent(found)


def closed(archive: Path, now: int, projects: Collection[str] = ()) -> list[Path]:
    """Return the partitions of days that are over: no journal holds any more of them.

    Rows that come all the same, of a clock set back, are in a part that counts beside the others.
    """
    first = min([day_of(now), *_unsealed(archive)])
    return [
        folder
        for folder in listing.partitions(archive)
        if folder.name < f"date={first}"
        and (not projects or folder.parent.name.removeprefix("project_id=") in projects)
    ]


def _unsealed(archive: Path) -> Iterator[date]:
    """Yield the first day that each segment holds records of."""
    for path in (archive / contract.JOURNAL_FOLDER).glob(f"*/*{journal.SUFFIX}"):
        for item in records.decode(journal.read(path)):
            if isinstance(item, records.Record):
                yield day_of(item.at)
                break


def candidates(found: Listing) -> list[Path]:
    """Return the parts that are worth being merged, in the order of their names."""
    here = [path for path in found.parts if path.name in found.names]
    return [path for path in here if path.stat().st_size < _SMALL]


def _extent(found: Listing) -> Extent:
    here = [path for path in found.parts if path.name in found.names]
    return Extent(len(here), sum(path.stat().st_size for path in here))


def _facts(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    return facts_of(pq.read_metadata(path))


def _tables(paths: list[Path]) -> Iterator[pa.Table]:
    """Yield the row groups of parts, the part that was begun first first."""
    import pyarrow.parquet as pq

    for path in sorted(paths, key=lambda path: (first_received(pq.read_metadata(path)), path)):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for index in range(file.num_row_groups):
                yield file.read_row_group(index)


def main(archive: str, readable: str, grace: str) -> None:
    """Compact in a process of its own, which is what a recorder starts beside itself."""
    give_way()
    modes = fs.GROUP_READABLE if readable == "group" else fs.PRIVATE
    faults: list[str] = []
    try:
        for one in compact(Path(archive), Job(wall_clock, int(grace) * 1_000_000, modes)):
            faults += one.faults
    except CompactionLocked:
        return  # another recorder's, and one is enough
    except ArchiverError as error:
        faults.append(str(error))
    if faults:
        sys.exit("\n".join(f"Error: {fault}" for fault in faults))


if __name__ == "__main__":
    main(*sys.argv[1:])
