"""Where an archive is that is compacted, and the few things that are done there; a folder's.

What a compaction is, `compact` knows; a bucket's place is in `stored_place`. In a folder one
process at a time compacts, which a lock sees to.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path, PurePath
from typing import Any, BinaryIO, NamedTuple, Protocol

from archiver import contract, fs, journal, listing, manifest, records
from archiver.errors import ArchiveUnwritable, CompactionLocked
from archiver.listing import Listing
from archiver.manifest import Manifest
from archiver.unsealed import day_of


class Source(NamedTuple):
    """A part to be read here: what it is called, its path, and where its bytes are."""

    name: str
    path: PurePath
    file: Any


class Partition(Protocol):
    """A partition's place."""

    writer: str
    """What the names of new parts end with, where others may write at the same time."""
    room: str
    """Where there has to be room."""

    @property
    def folder(self) -> PurePath:
        """Where it is in the archive."""

    def look(self) -> Listing[Any]:
        """Return what is there now."""

    def size(self, name: str) -> int:
        """Return the size of a file that was there at the last look."""

    def leftovers(self, found: Listing[Any]) -> set[str]:
        """Return the names of what a compaction left that can never count any more."""

    def bring(self, names: Collection[str]) -> AbstractContextManager[list[Source]]:
        """Have parts here to be read."""

    def write(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Yield a file to write; on success it is there, whole and durable."""

    def swap(self, new: Manifest) -> None:
        """Replace the manifest that was there at the last look; CompactionLost says that it was."""

    def remove(self, names: Collection[str]) -> None:
        """Remove files."""


class Place(Protocol):
    """An archive's place."""

    def held(self) -> AbstractContextManager[None]:
        """Make sure that nobody else's compaction can be spoilt, nor ours."""

    def folders(self) -> list[PurePath]:
        """Return the partitions of which there may be something to do."""

    def unsealed(self) -> Iterator[date]:
        """Yield days of which a recorder here has something that is not in the archive."""

    def partition(self, folder: PurePath) -> Partition:
        """Return one."""


class LocalPartition:
    """A partition's folder; whoever writes there holds the archive's lock."""

    writer = ""
    room = "the archive"

    def __init__(self, folder: Path, modes: fs.Modes = fs.PRIVATE) -> None:
        self.folder = folder
        self._modes = modes

    def __str__(self) -> str:
        return str(self.folder)

    def look(self) -> Listing[Path]:
        return listing.look(self.folder)

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def leftovers(self, found: Listing[Path]) -> set[str]:
        return found.leftovers

    @contextmanager
    def bring(self, names: Collection[str]) -> Iterator[list[Source]]:
        paths = [self.folder / name for name in names]
        yield [Source(str(path), path, path) for path in paths]

    def write(self, name: str) -> AbstractContextManager[BinaryIO]:
        return fs.publish(self.folder / name, self._modes)

    def swap(self, new: Manifest) -> None:
        with fs.publish(self.folder / manifest.NAME, self._modes) as file:
            file.write(new.to_bytes())

    def remove(self, names: Collection[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        fs.sync_folder(self.folder)


class LocalPlace:
    """An archive that is a folder."""

    def __init__(self, archive: Path, modes: fs.Modes = fs.PRIVATE) -> None:
        self._archive = archive
        self._modes = modes

    @contextmanager
    def held(self) -> Iterator[None]:
        try:
            held = fs.lock(self._archive / manifest.COMPACTING, self._modes)
        except OSError as error:
            raise ArchiveUnwritable(
                f"{self._archive}: cannot write there ({error.strerror});"
                " compact as the user who records"
            ) from error
        if held is None:
            raise CompactionLocked(f"{self._archive}: another process compacts it; let it end")
        try:
            yield
        finally:
            os.close(held)

    def folders(self) -> list[PurePath]:
        return [*listing.partitions(self._archive)]

    def unsealed(self) -> Iterator[date]:
        return unsealed(self._archive)

    def partition(self, folder: PurePath) -> LocalPartition:
        return LocalPartition(Path(folder), self._modes)


def unsealed(archive: Path) -> Iterator[date]:
    """Yield the first day that each segment of the journals holds records of."""
    for path in (archive / contract.JOURNAL_FOLDER).glob(f"*/*{journal.SUFFIX}"):
        for item in records.decode(journal.read(path)):
            if isinstance(item, records.Record):
                yield day_of(item.at)
                break
