"""The journal's format: what is read is what was written, or is called damage."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.records import (
    BINARY,
    CONTROL,
    HEADER,
    MAGIC,
    TEXT,
    Damage,
    Record,
    decode,
    encode,
    front,
)

texts = st.one_of(
    st.binary(max_size=60),
    # What would fool a reader that looks for the next record: its beginning, or a whole one.
    st.lists(
        st.sampled_from([MAGIC, MAGIC[:2], b"x", encode(Record(1, 2, 3, TEXT, b"inner"))]),
        max_size=4,
    ).map(b"".join),
)
record = st.builds(
    Record,
    at=st.integers(-(2**63), 2**63 - 1),
    seq=st.integers(0, 2**64 - 1),
    connection=st.integers(0, 2**32 - 1),
    type=st.sampled_from([TEXT, BINARY, CONTROL]),
    data=texts,
)
segments = st.lists(record, min_size=1, max_size=5)

GOOD = [Record(1000 + n, n, 1, TEXT, b'{"n":%d}' % n * n) for n in range(4)]
SIZES = [len(encode(good)) for good in GOOD]
WHOLE = b"".join(map(encode, GOOD))


def kept(items):
    return [item for item in items if isinstance(item, Record)]


def is_within(found, written):
    """Tell whether `found` is `written` with some left out."""
    rest = iter(written)
    return all(item in rest for item in found)


@given(segments)
def test_what_was_written_is_read(written):
    assert list(decode(b"".join(map(encode, written)))) == written


@given(record)
def test_a_head_written_apart_from_its_data_makes_the_same_record(one):
    assert front(one.at, one.seq, one.connection, one.type, one.data) + one.data == encode(one)


def test_an_empty_segment_holds_nothing():
    assert list(decode(b"")) == []


def test_the_bytes_of_a_record_stay_what_readers_of_old_journals_expect():
    body = struct.pack("<IqQIB", 2, 1_700_000_000_000_000, 7, 3, ord("T"))
    crc = zlib.crc32(body + b"{}")

    written = encode(Record(1_700_000_000_000_000, 7, 3, TEXT, b"{}"))

    assert written == b"\xf5TDJ" + struct.pack("<I", crc) + body + b"{}"
    assert len(written) == HEADER + 2 == 35
    assert (ord("T"), ord("B"), ord("C")) == (TEXT, BINARY, CONTROL)


@given(segments, st.data())
def test_a_cut_at_any_byte_keeps_the_whole_records_before_it(written, data):
    whole = b"".join(map(encode, written))
    cut = data.draw(st.integers(0, len(whole)))

    items = list(decode(whole[:cut]))

    good = kept(items)
    size = sum(len(encode(one)) for one in good)
    torn = [item for item in items if isinstance(item, Damage)]
    if good == written[: len(good)]:
        assert torn == ([] if size == cut else [Damage(size, cut)])
    else:  # a whole record stood inside the data of the torn one
        assert b"inner" in written[-1].data + b"".join(one.data for one in good)


def test_a_cut_at_every_byte_of_plain_records_leaves_a_torn_tail():
    for cut in range(len(WHOLE) + 1):
        whole = [n for n in range(5) if sum(SIZES[:n]) <= cut][-1]
        items = list(decode(WHOLE[:cut]))

        assert kept(items) == GOOD[:whole]
        tail = sum(SIZES[:whole])
        assert items[whole:] == ([] if tail == cut else [Damage(tail, cut)])


def test_a_flip_of_any_bit_pattern_in_any_byte_costs_the_record_hit_and_no_other():
    for at in range(len(WHOLE)):
        hit = [n for n in range(4) if sum(SIZES[:n]) <= at][-1]
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(WHOLE)
            damaged[at] ^= flip

            items = list(decode(bytes(damaged)))

            assert kept(items) == GOOD[:hit] + GOOD[hit + 1 :]
            start = sum(SIZES[:hit])
            assert items[hit] == Damage(start, start + SIZES[hit])


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_damage_anywhere_never_yields_a_record_that_was_not_written(bodies, data):
    written = [Record(n, n, 1, TEXT, body) for n, body in enumerate(bodies)]
    whole = bytearray(b"".join(map(encode, written)))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 80)))
    whole[start:end] = data.draw(st.binary(max_size=80))

    assert is_within(kept(decode(bytes(whole))), written)


@given(st.binary(max_size=300))
def test_garbage_is_damage_from_its_first_byte_to_its_last(garbage):
    assert list(decode(garbage)) == ([Damage(0, len(garbage))] if garbage else [])


def field(name, value):
    """Return the segment with one field of its second record overwritten."""
    places = {"magic": (0, "4s"), "crc": (4, "<I"), "length": (8, "<I"), "seq": (20, "<Q")}
    offset, form = places[name]
    damaged = bytearray(WHOLE)
    struct.pack_into(form, damaged, SIZES[0] + offset, value)
    return bytes(damaged)


START, END = SIZES[0], SIZES[0] + SIZES[1]
DAMAGES = {
    "a bad magic": (field("magic", b"JUNK"), [0, 2, 3], [(START, END)]),
    "a bad checksum": (field("crc", 0), [0, 2, 3], [(START, END)]),
    "a length of nothing": (field("length", 0), [0, 2, 3], [(START, END)]),
    "a length a little too long": (field("length", 30), [0, 2, 3], [(START, END)]),
    "a length beyond the end": (field("length", 2**32 - 1), [0, 2, 3], [(START, END)]),
    "another number": (field("seq", 9), [0, 2, 3], [(START, END)]),
    "the middle zeroed": (
        WHOLE[:START] + bytes(SIZES[1] + SIZES[2]) + WHOLE[END + SIZES[2] :],
        [0, 3],
        [(START, END + SIZES[2])],
    ),
    "a record cut short in the middle": (
        WHOLE[: END - 3] + WHOLE[END:],
        [0, 2, 3],
        [(START, END - 3)],
    ),
    "garbage between records": (
        WHOLE[:END] + b"garbage" + WHOLE[END:],
        [0, 1, 2, 3],
        [(END, END + 7)],
    ),
    "garbage that begins like a record": (
        WHOLE[:END] + MAGIC * 3 + WHOLE[END:],
        [0, 1, 2, 3],
        [(END, END + 12)],
    ),
    "zeros after the last record": (
        WHOLE + bytes(4096),
        [0, 1, 2, 3],
        [(len(WHOLE), len(WHOLE) + 4096)],
    ),
    "a torn header": (WHOLE + WHOLE[: HEADER - 1], [0, 1, 2, 3], [(len(WHOLE), len(WHOLE) + 32)]),
    "a torn last record": (
        WHOLE[:-1],
        [0, 1, 2],
        [(sum(SIZES[:3]), len(WHOLE) - 1)],
    ),
    "a lost beginning": (WHOLE[5:], [1, 2, 3], [(0, SIZES[0] - 5)]),
    "two places": (
        b"x" + WHOLE[:END] + b"y" + WHOLE[END:],
        [0, 1, 2, 3],
        [(0, 1), (END + 1, END + 2)],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_costs_what_it_hit_and_is_told(name):
    data, whole, holes = DAMAGES[name]

    items = list(decode(data))

    assert kept(items) == [GOOD[n] for n in whole]
    assert [item for item in items if isinstance(item, Damage)] == [Damage(*hole) for hole in holes]


def test_magic_bytes_in_the_data_begin_no_record():
    written = [
        Record(1, 1, 1, BINARY, MAGIC * 20),
        Record(2, 2, 1, BINARY, MAGIC + bytes(HEADER)),
        Record(3, 3, 1, TEXT, b"{}"),
    ]

    assert list(decode(b"".join(map(encode, written)))) == written


def test_reading_goes_on_after_a_damaged_record_full_of_magic_bytes():
    data = bytearray(
        encode(GOOD[0]) + encode(Record(2, 2, 1, BINARY, MAGIC * 50)) + encode(GOOD[3])
    )
    data[SIZES[0] + 4] ^= 1

    assert kept(decode(bytes(data))) == [GOOD[0], GOOD[3]]
