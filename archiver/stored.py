"""An archive in a bucket: what it holds, how much, and whether it is whole. Writes nothing.

The same as `status` and `verify` tell of a folder, and by their means. A recorder's spool beside it
is looked at as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from archiver import contract, listing, manifest, status, verify
from archiver.archive import check_marker
from archiver.bucket import Bucket, Remote, Stored, Version
from archiver.errors import ArchiveMissing, ArchiverError, PartitionDamaged
from archiver.listing import Listing
from archiver.manifest import Manifest
from archiver.recording import wall_clock

if TYPE_CHECKING:
    import pyarrow.parquet as pq

AT_A_TIME = 16
"""Footers that are asked for at a time: a request takes long, and costs little."""


def find(remote: Remote) -> Bucket:
    """Open an archive; refuse what is none, or one of another format."""
    bucket = Bucket(remote)
    try:
        marker = bucket.read(contract.MARKER)
    except FileNotFoundError:
        raise ArchiveMissing(
            f"{remote}: no archive here; name the address given to 'archiver record'"
        ) from None
    check_marker(f"{remote}/{contract.MARKER}", marker)
    return bucket


class Contents(NamedTuple):
    """What is in a partition at a moment: its objects by their names, and its manifest."""

    url: str = ""
    folder: str = ""
    objects: Mapping[str, Stored] = {}
    manifest: Manifest = Manifest()
    version: Version | None = None
    """What the store calls the manifest that is there; None if there is none."""

    @property
    def listing(self) -> Listing[PurePosixPath]:
        """The same as of a folder."""
        return Listing(PurePosixPath(self.folder), self.manifest, frozenset(self.objects))

    def part(self, name: str) -> Stored:
        """Return a part that counts; who reads fails rather than passes one over."""
        if name not in self.objects:
            raise PartitionDamaged(f"{self.url}/{name}: {verify.MISSING}")
        return self.objects[name]

    @property
    def parts(self) -> list[Stored]:
        """The parts that count."""
        return [self.part(path.name) for path in self.listing.parts]


def look(bucket: Bucket, folder: str) -> Contents:
    """Look at a partition, whatever a compaction does meanwhile.

    The manifest is read after the listing: what it replaces does not count, and what it names but
    the listing did not show yet is looked up. A part that was listed and is not replaced by then
    is still there.
    """
    objects = {one.name: one for one in bucket.list(folder).objects}
    found = Contents(f"{bucket.remote}/{folder}", folder, objects)
    if manifest.NAME not in objects:
        return found
    told, version = _manifest(bucket, folder)
    found = found._replace(manifest=told, version=version)
    unlisted = (bucket.find(f"{folder}/{name}") for name in found.listing.missing)
    return found._replace(objects={**objects, **{one.name: one for one in unlisted if one}})


def _manifest(bucket: Bucket, folder: str) -> tuple[Manifest, Version]:
    key = f"{folder}/{manifest.NAME}"
    text, version = bucket.read_version(key)
    try:
        return Manifest.from_text(text), version
    except ValueError as error:
        raise PartitionDamaged(f"{bucket.remote}/{key}: {error}; restore it from a copy") from error


def parts(bucket: Bucket, folder: str) -> list[Stored]:
    """Return the parts of a partition that count."""
    return look(bucket, folder).parts


def partitions(bucket: Bucket) -> list[str]:
    """Return the folders of an archive's partitions."""
    projects = [name for name in bucket.list().folders if name.startswith("project_id=")]
    return [
        f"{project}/{name}"
        for project in projects
        for name in bucket.list(project).folders
        if name.startswith("date=")
    ]


def days(bucket: Bucket) -> list[status.Day]:
    """Count the parts, per project and day: the bucket's, and those that are only in the spool."""
    looked = [look(bucket, folder) for folder in partitions(bucket)]
    there = [part for found in looked for part in found.parts]
    origins = {str(path) for found in looked for path in found.listing.origins}
    left = _left(bucket.remote.spool, origins.union(part.key for part in there))
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = pool.map(lambda part: _footer(bucket, part), there)
        told = ((part, footer, part.size) for part, footer in zip(there, found, strict=True))
        return status.count(chain(told, map(status.part, left)))


def _left(spool: Path | None, published: set[str]) -> list[Path]:
    """Return the parts that are only in the spool."""
    if spool is None:
        return []
    here = listing.parts(spool)
    return [path for path in here if path.relative_to(spool).as_posix() not in published]


def _footer(bucket: Bucket, part: Stored) -> pq.FileMetaData:
    with bucket.open(part) as file:
        return status.footer(str(part), file)


def faults(
    bucket: Bucket, progress: Any = iter, clock: Callable[[], int] = wall_clock
) -> Iterator[str]:
    """Yield what is wrong with an archive, and with the spool, a line each."""
    import pyarrow as pa

    ranges: verify.Ranges = {}
    there: list[Stored] = []
    for folder in partitions(bucket):
        try:
            found = look(bucket, folder)
        except PartitionDamaged as error:
            yield str(error)
            continue
        yield from (
            f"{bucket.remote}/{fault}"
            for fault in chain(
                verify.missing(found.listing), _leftovers(found, clock() - verify.LEFT)
            )
        )
        there += [
            found.objects[path.name] for path in found.listing.parts if path.name in found.objects
        ]
    for part in progress(there):
        data = pa.BufferReader(bucket.read(part.key))
        told = verify.part_faults(PurePosixPath(part.key), ranges, data)
        yield from (f"{part}: {fault}" for fault in told)
    yield from verify.overlaps(ranges)
    if bucket.remote.spool is not None:
        yield from _spool_faults(bucket.remote.spool)


def _leftovers(found: Contents, long_ago: int) -> Iterator[str]:
    """Yield what a compaction left; what is younger may be in the hands of one at work."""
    old = {name for name, one in found.objects.items() if one.at < long_ago}
    left = found.listing._replace(names=found.listing.names & old)
    yield from verify.leftovers(left, long_ago)


def _spool_faults(spool: Path) -> Iterator[str]:
    try:
        yield from verify.faults(spool)
    except ArchiverError as error:
        yield str(error)
