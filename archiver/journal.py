"""The journal: received frames as they came, durable before anything understands them.

A segment is an append-only file of records (see `records`); the first one carries the recorder's
state at its start, so that a segment can be read without any other file. One record is one
unbuffered write, so a killed process loses nothing that it had read; `sync` bounds what a power
cut takes. This module knows nothing of Parquet, of sockets, or of what frames mean.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from archiver import fs
from archiver.errors import JournalUnwritable
from archiver.records import HEADER, front

SUFFIX = ".segment"
DAMAGED = ".damaged"


def segment_path(folder: Path, number: int) -> Path:
    """Name a segment's file."""
    return folder / f"{number:08d}{SUFFIX}"


def segments(folder: Path) -> list[Path]:
    """Return the segments in a recorder's folder, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def size(segment: Path) -> int:
    """Return a segment's size in bytes, 0 for one that has just been sealed."""
    try:
        return segment.stat().st_size
    except FileNotFoundError:
        return 0


def read(segment: Path) -> bytes:
    """Return a segment's bytes, none of one that has just been sealed."""
    try:
        return segment.read_bytes()
    except FileNotFoundError:
        return b""


class Segment:
    """An open segment: append and sync may be called from different threads."""

    def __init__(self, path: Path, modes: fs.Modes = fs.PRIVATE) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self.path = path
        self._file = os.open(path, flags, modes.file)
        os.fchmod(self._file, modes.file)
        fs.sync_folder(path.parent)
        self.size = 0
        self.records = 0
        self._synced = 0
        self._closing = threading.Lock()

    def append(self, at: int, seq: int, connection: int, kind: int, *datas: bytes) -> int:
        """Write records numbered from `seq` in one write, all of them or none; return its bytes.

        JournalUnwritable leaves the segment as it was.
        """
        pieces: list[bytes] = []
        whole = 0
        for number, data in enumerate(datas, seq):
            pieces += (front(at, number, connection, kind, data), data)
            whole += HEADER + len(data)
        try:
            written = os.writev(self._file, pieces)
            while written < whole:
                written += os.write(self._file, b"".join(pieces)[written:])
        except OSError as error:
            os.ftruncate(self._file, self.size)
            raise JournalUnwritable(
                f"{self.path}: cannot write ({error.strerror}); make room there"
            ) from error
        self.size += whole
        self.records += len(datas)
        return whole

    def sync(self) -> bool:
        """Make what was appended survive a power cut; tell whether there was anything."""
        with self._closing:
            size = self.size
            is_behind = self._file >= 0 and size > self._synced
            if is_behind:
                try:
                    fs.sync(self._file)
                except OSError as error:
                    raise JournalUnwritable(
                        f"{self.path}: cannot sync ({error.strerror}); the disk may have lost data"
                    ) from error
                self._synced = size
            return is_behind

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        with self._closing:
            os.close(self._file)
            self._file = -1
