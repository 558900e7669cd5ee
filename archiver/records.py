r"""The journal's format: records to bytes and back, pure.

A record is

    magic  4 bytes   b"\xf5TDJ"
    crc    4 bytes   CRC-32 of all that follows
    length 4 bytes   of the data
    at     8 bytes   microseconds since 1970 UTC, signed
    seq    8 bytes   number of the record, never used twice by a recorder
    connection 4 bytes
    type   1 byte    T text frame, B binary frame, C control (JSON)
    data

(little-endian). A record that does not check is skipped to the next one that does: at the end of
a segment it is a torn tail, elsewhere damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from isal.isal_zlib import crc32

MAGIC = b"\xf5TDJ"
TEXT, BINARY, CONTROL = b"TBC"

_FRONT = struct.Struct("<4sI")
_BODY = struct.Struct("<IqQIB")
_HEAD = struct.Struct("<4sIIqQIB")
HEADER = _HEAD.size
_CHECKED = _FRONT.size


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record: `type` is TEXT, BINARY or CONTROL. Of a decoded one `data` is no copy."""

    at: int
    seq: int
    connection: int
    type: int
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [start, end) that are no whole record."""

    start: int
    end: int


def front(at: int, seq: int, connection: int, kind: int, data: bytes | memoryview) -> bytes:
    """Return what stands before the data of a record."""
    body = _BODY.pack(len(data), at, seq, connection, kind)
    return _FRONT.pack(MAGIC, crc32(data, crc32(body))) + body


def encode(record: Record) -> bytes:
    """Return the bytes of a record."""
    head = front(record.at, record.seq, record.connection, record.type, record.data)
    return head + record.data


def _record_at(view: memoryview, start: int) -> Record | None:
    body = start + HEADER
    if len(view) < body:
        return None
    magic, crc, length, at, seq, connection, kind = _HEAD.unpack_from(view, start)
    end = body + length
    if magic != MAGIC or end > len(view) or crc32(view[start + _CHECKED : end]) != crc:
        return None
    return Record(at, seq, connection, kind, view[body:end])


def decode(data: bytes) -> Iterator[Record | Damage]:
    """Yield the whole records of a segment, and the damage between and after them.

    Their data are views of the segment's, which lives as long as one of them.
    """
    start = 0
    view = memoryview(data)
    while start < len(data):
        record = _record_at(view, start)
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
            record = _record_at(view, end)
        yield Damage(start, end)
        start = end
