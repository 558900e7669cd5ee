"""The archive as a folder: made, found, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

from archiver import contract, fs
from archiver.errors import ArchiveFormat, ArchiveMissing, ArchiveUnwritable


def find(archive: Path) -> None:
    """Refuse a folder that is no archive of our format."""
    if not (archive / contract.MARKER).is_file():
        raise ArchiveMissing(
            f"{archive}: no archive here; name the folder that 'archiver record' writes to"
        )
    check_format(archive)


def prepare(archive: Path, modes: fs.Modes = fs.PRIVATE) -> None:
    """Make a folder an archive, or check that it is one of our format."""
    marker = archive / contract.MARKER
    try:
        if marker.exists():
            check_format(archive)
        else:
            _mark(archive, modes)
        fs.make_folder(archive / contract.JOURNAL_FOLDER, modes)
    except OSError as error:
        raise ArchiveUnwritable(
            f"{archive}: cannot write there ({error.strerror}); name a folder that you may write"
        ) from error


def _mark(archive: Path, modes: fs.Modes) -> None:
    """Write the marker where there is none: recorders that begin an archive together take turns."""
    marker = archive / contract.MARKER
    fs.make_folder(archive, modes)
    held = fs.lock(archive / ".preparing", modes, wait=True)
    assert held is not None
    try:
        if not marker.exists():
            with fs.publish(marker, modes) as file:
                file.write(json.dumps({"format": contract.VERSION}).encode() + b"\n")
    finally:
        os.close(held)


def check_format(archive: Path) -> None:
    """Refuse an archive of a format that this version does not read."""
    marker = archive / contract.MARKER
    check_marker(str(marker), marker.read_bytes())


def check_marker(where: str, data: bytes) -> None:
    """Refuse what is no archive's marker, or one of another format."""
    try:
        found = json.loads(data)["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveFormat(f"{where}: not an archive's marker; name another folder") from error
    if found != contract.VERSION:
        raise ArchiveFormat(
            f"{where}: format {found}, but this version reads format {contract.VERSION};"
            " install a version that reads it"
        )
