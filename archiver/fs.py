"""Makes files whole or absent, durable, and private to the user.

The only module that calls fsync. It knows nothing of what the files hold.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Modes:
    """Permissions of what we create."""

    file: int = 0o600
    folder: int = 0o700


PRIVATE = Modes()
GROUP_READABLE = Modes(0o640, 0o750)


def make_folder(path: Path, modes: Modes = PRIVATE) -> None:
    """Create a folder, and those above it, that survive a power cut."""
    if path.is_dir():
        return
    make_folder(path.parent, modes)
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(modes.folder)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Make the bytes of an open file durable."""
    os.fdatasync(descriptor)


@contextmanager
def publish(path: Path, modes: Modes = PRIVATE) -> Iterator[BinaryIO]:
    """Yield a file to write; on success it becomes `path`, whole and durable.

    Readers see the old file or the new one, never a part of either. The draft's name does not end
    in `.parquet`, so that no reader of `**/*.parquet` meets it.
    """
    make_folder(path.parent, modes)
    draft = path.with_name(f".{path.name}.draft")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, modes.file)
    try:
        os.fchmod(descriptor, modes.file)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file and make its absence durable."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a lock, without taking it for more than a moment."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock(path: Path, modes: Modes = PRIVATE, *, wait: bool = False) -> int | None:
    """Lock a file until the descriptor returned is closed; None when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, modes.file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
