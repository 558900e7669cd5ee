"""An archive in a bucket: listed there, and read from there by the ranges that are asked for.

Beside a recorder, its spool tells what is not published yet: the journal first, then its parts,
then the bucket's, so that what moves meanwhile is read all the same. It writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

from analytics.blocks import Blocks
from analytics.errors import ArchiveUnreadable
from analytics.folder import Folder, Part, Segment
from archiver import contract, stored
from archiver.bucket import Bucket, Ranges, Remote, Stored
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    import pyarrow as pa

_PART_NAME = re.compile(r"(.+)-(\d{8,})\.parquet")
_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


class RemoteFolder(Folder):
    """The same as a folder, for an archive in a bucket."""

    def __init__(self, remote: Remote) -> None:
        """Open it; a spool that is named is one of a recorder here."""
        self.root = remote
        with _told():
            self._bucket = stored.find(remote)
        self._spool = None if remote.spool is None else Folder(remote.spool)
        self.files = PartFiles(self._bucket, remote.url.partition(":")[0])

    @cached_property
    def unsealed(self) -> list[Segment]:
        """The segments of the spool's journal."""
        return [] if self._spool is None else self._spool.unsealed

    def sealed_projects(self) -> set[str]:
        """Return the projects that have parts, here or in the spool."""
        found = set() if self._spool is None else self._spool.sealed_projects()
        with _told():
            names = self._bucket.list().folders
        return found | {
            name.removeprefix("project_id=") for name in names if name.startswith("project_id=")
        }

    def sealed_days(self, project_id: str) -> set[date]:
        """Return the UTC days for which the project has parts, here or in the spool."""
        found = set() if self._spool is None else self._spool.sealed_days(project_id)
        with _told():
            names = self._bucket.list(f"project_id={project_id}").folders
        days = filter(None, map(_DAY.fullmatch, names))
        return found | {date.fromisoformat(day[1]) for day in days}

    def spooled(self, project_id: str, days: Iterable[date]) -> list[Segment]:
        """Return the spool's parts: they may go while somebody reads, so they are read at once."""
        found = []
        for path in self._spool_parts(project_id, days):
            name = _PART_NAME.fullmatch(path.name)
            if name is not None:
                try:
                    rows = _rows(path, project_id)
                except FileNotFoundError:  # published meanwhile: it is among the bucket's
                    continue
                found.append(Segment(name[1], int(name[2]), rows))
        return found

    def _spool_parts(self, project_id: str, days: Iterable[date]) -> list[Path]:
        if self._spool is None:
            return []
        return [part for part in self._spool.parts(project_id, days) if isinstance(part, Path)]

    def parts(self, project_id: str, days: Iterable[date]) -> list[Part]:
        """Return the parts of some of a project's days: those that count."""
        found: list[Part] = []
        for day in days:
            folder = f"project_id={project_id}/date={day:%Y-%m-%d}"
            with _told():
                found += self.files.knowing(stored.parts(self._bucket, folder))
        return found


class PartFiles(AbstractFileSystem):  # type: ignore[misc]
    """A bucket's parts as files that DuckDB reads by ranges; asks the store for nothing else."""

    cachable = False

    def __init__(self, bucket: Bucket, protocol: str) -> None:
        """Take the protocol that addresses there begin with."""
        super().__init__()
        self.protocol = protocol
        self._known: dict[str, Stored] = {}
        self._sizes: dict[str, int] = {}
        self._blocks = Blocks(bucket.read_range, self._sizes)

    def knowing(self, parts: list[Stored]) -> list[Stored]:
        """Take note of parts, whose sizes were listed; return them."""
        self._known |= {str(part): part for part in parts}
        self._sizes |= {part.key: part.size for part in parts}
        return parts

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the one file that a path names: a pattern is one only where it is escaped."""
        return [re.sub(r"\[(.)\]", r"\1", path)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return a part's size, which was listed."""
        return {"name": path, "size": self._known[path].size, "type": "file"}

    def modified(self, path: str) -> datetime:  # noqa: ARG002 (parts never change)
        """Return always the same."""
        return datetime.fromtimestamp(0, UTC)

    def open(self, path: str, *_: Any, **__: Any) -> Ranges:
        """Open a part to be read."""
        return Ranges(self._known[path], self._blocks.read)


def _rows(path: Path, project_id: str) -> pa.Table:
    """Return a part's rows in the form of the journal's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    day = date.fromisoformat(path.parent.name.removeprefix("date="))
    try:
        with pq.ParquetFile(path) as part:
            rows = part.read(columns=list(contract.NAMES)).cast(contract.schema())
    except ValueError as error:  # pyarrow's: what stands there is no Parquet
        raise ArchiveUnreadable(f"{path}: not a whole part; see 'archiver verify'") from error
    rows = rows.append_column("project_id", pa.array([project_id] * len(rows), pa.string()))
    return rows.append_column("date", pa.array([day] * len(rows), pa.date32()))


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the store says as our own."""
    try:
        yield
    except (ArchiverError, ValueError) as error:
        raise ArchiveUnreadable(str(error)) from error
