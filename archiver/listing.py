"""Lists the parts of a partition that count, whatever a compaction does meanwhile.

The manifest is read before the folder is listed and again after it; if it is another one by then,
both are read anew. A part is only removed when a manifest has replaced it, so what counts by a
manifest that was there all the time was there all the time as well. It opens no part.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Generic, NamedTuple, TypeVar

from archiver import contract
from archiver.errors import PartitionDamaged
from archiver.manifest import NAME, Manifest, is_compacted, is_of_compaction

_Where = TypeVar("_Where", bound=PurePath)


class Listing(NamedTuple, Generic[_Where]):
    """A partition at a moment: its manifest, and the names of all its files.

    Its folder is one here, or one of a bucket.
    """

    folder: _Where
    manifest: Manifest
    names: frozenset[str]

    @property
    def parts(self) -> list[_Where]:
        """The parts that count."""
        return [self.folder / name for name in self.manifest.counting(self.names)]

    @property
    def compacted(self) -> frozenset[_Where]:
        """Those of them that a compaction made."""
        return frozenset(self.folder / name for name in self.manifest.parts)

    @property
    def origins(self) -> frozenset[_Where]:
        """The sealed parts, here or gone, that the compacted ones were made of."""
        replaced = self.manifest.replaced
        return frozenset(self.folder / name for name in replaced if not is_compacted(name))

    @property
    def missing(self) -> list[str]:
        """Names of the compacted parts that count, but are not here."""
        return [name for name in self.manifest.parts if name not in self.names]

    @property
    def leftovers(self) -> set[str]:
        """Names of what a compaction began that the manifest does not know: it died on the way."""
        return {name for name in self.names if is_of_compaction(name)} - self.manifest.known

    def superseded(self, now: str) -> set[str]:
        """Names of replaced parts that are still here, and of no use any longer at an instant."""
        over = {name for name, until in self.manifest.replaced.items() if until <= now}
        return over & self.names


def look(folder: Path) -> Listing[Path]:
    """Look at a partition's folder; one that is not there is empty."""
    before = manifest_of(folder)
    while True:
        names = frozenset(path.name for path in folder.glob("*"))
        after = manifest_of(folder)
        if after == before:
            return Listing(folder, after, names)
        before = after


def manifest_of(folder: Path) -> Manifest:
    """Return what a partition's manifest says."""
    path = folder / NAME
    try:
        return Manifest.from_text(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Manifest()
    except ValueError as error:
        raise PartitionDamaged(f"{path}: {error}; restore it from a copy") from error


def partitions(archive: Path, project_id: str = "*") -> list[Path]:
    """Return the folders of an archive's partitions."""
    return sorted(archive.glob(contract.partitions_glob(project_id)))


def parts(archive: Path) -> list[Path]:
    """Return every part of an archive that counts."""
    return [part for folder in partitions(archive) for part in look(folder).parts]
