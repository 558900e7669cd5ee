"""An archive in a bucket: what it holds, how much, and whether it is whole. Writes nothing.

The same as `status` and `verify` tell of a folder, and by their means. A recorder's spool beside it
is looked at as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from archiver import contract, listing, manifest, status, verify
from archiver.archive import check_marker
from archiver.bucket import Bucket, Remote, Stored
from archiver.errors import ArchiveMissing, ArchiverError

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


def parts(bucket: Bucket, folder: str) -> list[Stored]:
    """Return the parts of a partition that count, whatever a compaction does meanwhile."""
    key = f"{folder}/{manifest.NAME}"
    objects = bucket.list(folder).objects
    before = manifest.Manifest()
    while any(one.key == key for one in objects):
        after = manifest.Manifest.from_text(bucket.read(key))
        if after == before:
            break
        before, objects = after, bucket.list(folder).objects
    counting = set(before.counting(one.name for one in objects))
    return [one for one in objects if one.name in counting]


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
    there = [part for folder in partitions(bucket) for part in parts(bucket, folder)]
    left = _left(bucket.remote.spool, {part.key for part in there})
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


def faults(bucket: Bucket, progress: Any = iter) -> Iterator[str]:
    """Yield what is wrong with an archive, and with the spool, a line each."""
    import pyarrow as pa

    ranges: verify.Ranges = {}
    found: list[Stored] = []
    for folder in partitions(bucket):
        try:
            found += parts(bucket, folder)
        except ValueError as error:
            yield f"{bucket.remote}/{folder}/{manifest.NAME}: {error}; restore it from a copy"
    for part in progress(found):
        data = pa.BufferReader(bucket.read(part.key))
        told = verify.part_faults(PurePosixPath(part.key), ranges, data)
        yield from (f"{part}: {fault}" for fault in told)
    yield from verify.overlaps(ranges)
    if bucket.remote.spool is not None:
        yield from _spool_faults(bucket.remote.spool)


def _spool_faults(spool: Path) -> Iterator[str]:
    try:
        yield from verify.faults(spool)
    except ArchiverError as error:
        yield str(error)
