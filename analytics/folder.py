"""An archive as a folder: which projects and days are in it, and what is not sealed yet.

It lists and reads; it writes nothing, opens no database, and knows nothing of what rows mean. An
archive in a bucket is the same to whoever asks (`remote`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from analytics.errors import ArchiveUnreadable, ProjectUnknown
from archiver import contract, listing
from archiver.bucket import EXTRA, Remote, Stored
from archiver.errors import PartitionDamaged

if TYPE_CHECKING:
    import pyarrow as pa


Part = Path | Stored


class Segment(NamedTuple):
    """What a segment of the journal holds; its parts bear the recorder's name and the number."""

    recorder: str
    number: int
    rows: pa.Table


class Folder:
    """An archive's folder; the journal is read once, before any part is listed."""

    files: Any = None
    """A file system for who cannot read the parts as they are."""

    def __init__(self, root: Path) -> None:
        self.root: Path | Remote = root
        self._path = root
        check_marker(root / contract.MARKER, _marker(root))

    @cached_property
    def unsealed(self) -> list[Segment]:
        """The journal's segments."""
        from archiver import unsealed

        found = []
        for path in sorted((self._path / contract.JOURNAL_FOLDER).glob("*/[0-9]*.segment")):
            recorder = path.parent.name
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # sealed meanwhile: its rows are in the parts
                continue
            except OSError as error:
                raise _unreadable(path, error) from error
            found.append(Segment(recorder, int(path.stem), unsealed.table(data, recorder)))
        return found

    def projects(self) -> list[str]:
        """Return the projects of which something is here."""
        found = self.sealed_projects()
        for segment in self.unsealed:
            found.update(segment.rows.column("project_id").unique().to_pylist())
        return sorted(found - {contract.UNKNOWN_PROJECT})

    def project(self, name: str | None) -> str:
        """Return the project to report on: the one named, or the only one."""
        known = self.projects()
        if not known:
            raise ProjectUnknown(f"{self.root}: nothing is recorded yet")
        if name is None and len(known) > 1:
            raise ProjectUnknown(
                f"{self.root}: several projects; choose one with --project: {', '.join(known)}"
            )
        if name is not None and name not in known:
            raise ProjectUnknown(
                f"{self.root}: no project {name} here; there is {', '.join(known)}"
            )
        return name or known[0]

    def days(self, project_id: str) -> list[date]:
        """Return the UTC days for which the project has parts or unsealed rows."""
        found = self.sealed_days(project_id)
        for segment in self.unsealed:
            projects = segment.rows.column("project_id").to_pylist()
            days = segment.rows.column("date").to_pylist()
            found.update(
                day for name, day in zip(projects, days, strict=True) if name == project_id
            )
        return sorted(found)

    def sealed_projects(self) -> set[str]:
        """Return the projects that have parts."""
        return {path.name.removeprefix("project_id=") for path in self._path.glob("project_id=*")}

    def sealed_days(self, project_id: str) -> set[date]:
        """Return the UTC days for which the project has parts."""
        return {
            date.fromisoformat(path.name.removeprefix("date="))
            for path in (self._path / f"project_id={project_id}").glob("date=????-??-??")
        }

    def spooled(self, project_id: str, days: Iterable[date]) -> list[Segment]:  # noqa: ARG002
        """Return what is sealed but not among the parts; to be asked for before them."""
        return []

    def size(self, part: Part) -> int:
        """Return a part's size in bytes."""
        return part.size if isinstance(part, Stored) else part.stat().st_size

    def parts(self, project_id: str, days: Iterable[date]) -> list[Part]:
        """Return the parts of some of a project's days: those that count."""
        found: list[Part] = []
        for day in days:
            try:
                found += listing.look(contract.partition(self._path, project_id, day)).parts
            except PartitionDamaged as error:
                raise ArchiveUnreadable(str(error)) from error
        return found


def at(archive: Path | Remote) -> Folder:
    """Return the archive of a folder, or of an address."""
    if isinstance(archive, Path):
        return Folder(archive)
    try:
        from analytics.remote import RemoteFolder
    except ModuleNotFoundError as error:
        raise ArchiveUnreadable(f"{archive}: {EXTRA}") from error
    return RemoteFolder(archive)


def _marker(root: Path) -> bytes:
    marker = root / contract.MARKER
    try:
        return marker.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArchiveUnreadable(
            f"{root}: no archive here; name the folder that 'archiver record' writes to"
        ) from error
    except OSError as error:
        raise _unreadable(marker, error) from error


def check_marker(marker: object, text: bytes) -> None:
    """Refuse what is no archive's marker, or one of another format."""
    try:
        found = json.loads(text)["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveUnreadable(
            f"{marker}: not an archive's marker; name another folder"
        ) from error
    if found != contract.VERSION:
        raise ArchiveUnreadable(
            f"{marker}: format {found}, but this version reads format {contract.VERSION};"
            " install a version that reads it"
        )


def _unreadable(path: Path, error: OSError) -> ArchiveUnreadable:
    return ArchiveUnreadable(f"{path}: cannot read it ({error.strerror}); run as a user who may")
