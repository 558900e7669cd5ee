"""An archive in a bucket as a place to be compacted.

Several may compact it at once, on machines that know nothing of each other: a manifest is only
replaced by who knows the one that is there, and what a process writes bears a name of its own. So a
part counts by the manifest of its own generation or never, and nobody removes what may yet count.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import PurePath, PurePosixPath
from typing import Any, BinaryIO

from archiver import contract, manifest, place, stored
from archiver.bucket import Bucket, Remote
from archiver.errors import CompactionLost, PartitionDiffers, StoreRefuses
from archiver.listing import Listing
from archiver.manifest import Manifest, generation_of
from archiver.place import Source
from archiver.status import is_whole


class StoredPartition:
    """A partition of a bucket.

    What is read and written passes by files without names, on this machine: they go with the
    process, however it ends.
    """

    def __init__(self, bucket: Bucket, folder: PurePath) -> None:
        self.folder = PurePosixPath(folder)
        self.writer = secrets.token_hex(8)
        spool = bucket.remote.spool
        self._scratch = spool if spool is not None and spool.is_dir() else None
        self.room = str(self._scratch or tempfile.gettempdir())
        self._bucket = bucket
        self._seen = stored.Contents()

    def __str__(self) -> str:
        return f"{self._bucket.remote}/{self.folder}"

    def look(self) -> Listing[PurePosixPath]:
        self._seen = stored.look(self._bucket, str(self.folder))
        return self._seen.listing

    def size(self, name: str) -> int:
        return self._seen.objects[name].size

    def leftovers(self, found: Listing[Any]) -> set[str]:
        """Return those that lost: each generation has one manifest, and theirs is another's.

        Others may be in the hands of a process that is about to let them count.
        """
        reached = found.manifest.generation
        return {name for name in found.leftovers if generation_of(name) <= reached}

    @contextmanager
    def bring(self, names: Collection[str]) -> Iterator[list[Source]]:
        with ExitStack() as files:
            yield [self._bring(name, files) for name in names]

    def _bring(self, name: str, files: ExitStack) -> Source:
        file = files.enter_context(self._file())
        try:
            self._bucket.download(self._key(name), file)
        except FileNotFoundError:
            raise CompactionLost(f"{self}: {name} has gone; another process compacts it") from None
        return Source(f"{self}/{name}", self.folder / name, file)

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        with self._file() as file:
            yield file
            file.seek(0)
            data = file.read()
        if not is_whole(data):
            raise PartitionDiffers(f"{self}/{name}: not written as a whole; nothing was replaced")
        # Nobody else has the name: if it is there, the answer to a first request was lost.
        self._bucket.put_once(self._key(name), data)

    def swap(self, new: Manifest) -> None:
        key, version = self._key(manifest.NAME), self._seen.version
        if version is None:
            is_done = self._bucket.put_once(key, new.to_bytes())
        else:
            is_done = self._bucket.replace(key, new.to_bytes(), version)
        if not is_done and not self._is_known(new):
            raise CompactionLost(f"{self}: another process has compacted it")

    def _is_known(self, new: Manifest) -> bool:
        """Tell whether the new parts are known there: it was done, and the answer was lost."""
        made = {name for name in new.parts if generation_of(name) == new.generation}
        return not made.isdisjoint(self.look().manifest.known)

    def remove(self, names: Collection[str]) -> None:
        self._bucket.remove(map(self._key, names))

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def _file(self) -> Any:
        return tempfile.TemporaryFile(dir=self._scratch)


class StoredPlace:
    """An archive in a bucket."""

    def __init__(self, remote: Remote) -> None:
        self._bucket = stored.find(remote)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold nothing, but see that the store keeps one process from another's manifest."""
        marker = self._bucket.read(contract.MARKER)
        if self._bucket.replace(contract.MARKER, marker, {"e_tag": '"0"', "version": "1"}):
            raise StoreRefuses(
                f"{self._bucket.remote}: the store overwrites what has changed (it ignores"
                " If-Match); do not compact there"
            )
        yield

    def folders(self) -> list[PurePath]:
        """Return those of several parts, by one listing of all: the most are compacted already."""
        parts = [one.parent for one in self._bucket.list_all() if one.name.endswith(".parquet")]
        return sorted(
            folder
            for folder, count in Counter(parts).items()
            if count > 1 and folder.match(contract.partitions_glob())
        )

    def unsealed(self) -> Iterator[date]:
        spool = self._bucket.remote.spool
        if spool is not None:
            yield from place.unsealed(spool)
            for path in spool.glob(contract.parts_glob()):
                yield date.fromisoformat(path.parent.name.removeprefix("date="))

    def partition(self, folder: PurePath) -> StoredPartition:
        return StoredPartition(self._bucket, folder)
