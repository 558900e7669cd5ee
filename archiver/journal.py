"""The journal: received frames as they came, durable before anything understands them.

A segment is an append-only file of records; the first one carries the recorder's state at its
start, so that a segment can be read without any other file. A record is

    magic  4 bytes   b"\\xf5TDJ"
    crc    4 bytes   CRC-32 of all that follows
    length 4 bytes   of the data
    at     8 bytes   microseconds since 1970 UTC, signed
    seq    8 bytes   number of the record, never used twice by a recorder
    connection 4 bytes
    type   1 byte    T text frame, B binary frame, C control (JSON)
    data

(little-endian). A record that does not check is skipped to the next one that does: at the end of
the file it is a torn tail, elsewhere damage. One record is one unbuffered write, so a killed
process loses nothing that it had read; `sync` bounds what a power cut takes.

This module knows nothing of Parquet, of sockets, or of what frames mean.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver import fs
from archiver.errors import JournalUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = b"\xf5TDJ"
TEXT, BINARY, CONTROL = b"TBC"
SUFFIX = ".segment"
DAMAGED = ".damaged"

_FRONT = struct.Struct("<4sI")
_BODY = struct.Struct("<IqQIB")
HEADER = _FRONT.size + _BODY.size


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `type` is TEXT, BINARY or CONTROL."""

    at: int
    seq: int
    connection: int
    type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [start, end) that are no whole record."""

    start: int
    end: int


def front(at: int, seq: int, connection: int, kind: int, data: bytes) -> bytes:
    """Return what stands before the data of a record."""
    body = _BODY.pack(len(data), at, seq, connection, kind)
    return _FRONT.pack(MAGIC, zlib.crc32(data, zlib.crc32(body))) + body


def encode(record: Record) -> bytes:
    """Return the bytes of a record."""
    head = front(record.at, record.seq, record.connection, record.type, record.data)
    return head + record.data


def _record_at(data: bytes, start: int) -> Record | None:
    if len(data) - start < HEADER:
        return None
    magic, crc = _FRONT.unpack_from(data, start)
    length, at, seq, connection, kind = _BODY.unpack_from(data, start + _FRONT.size)
    end = start + HEADER + length
    if magic != MAGIC or end > len(data):
        return None
    with memoryview(data) as view:
        if zlib.crc32(view[start + _FRONT.size : end]) != crc:
            return None
    return Record(at, seq, connection, kind, data[start + HEADER : end])


def decode(data: bytes) -> Iterator[Record | Damage]:
    """Yield the whole records of a segment, and the damage between and after them."""
    start = 0
    while start < len(data):
        record = _record_at(data, start)
        if record is not None:
            yield record
            start += HEADER + len(record.data)
            continue
        end = start
        while record is None:
            end = data.find(MAGIC, end + 1)
            if end < 0:
                yield Damage(start, len(data))
                return
            record = _record_at(data, end)
        yield Damage(start, end)
        start = end


def segment_path(folder: Path, number: int) -> Path:
    """Name a segment's file."""
    return folder / f"{number:08d}{SUFFIX}"


def segments(folder: Path) -> list[Path]:
    """Return the segments in a recorder's folder, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


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

    def append(self, at: int, seq: int, connection: int, kind: int, data: bytes) -> None:
        """Write one record, whole or not at all: JournalUnwritable leaves the segment as it was."""
        head = front(at, seq, connection, kind, data)
        whole = HEADER + len(data)
        try:
            written = os.writev(self._file, (head, data))
            while written < whole:
                written += os.write(self._file, (head + data)[written:])
        except OSError as error:
            os.ftruncate(self._file, self.size)
            raise JournalUnwritable(
                f"{self.path}: cannot write ({error.strerror}); make room there"
            ) from error
        self.size += whole
        self.records += 1

    def sync(self) -> None:
        """Make what was appended survive a power cut."""
        with self._closing:
            size = self.size
            if self._file >= 0 and size > self._synced:
                fs.sync(self._file)
                self._synced = size

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        with self._closing:
            os.close(self._file)
            self._file = -1
