"""Segments: one record is whole or absent, on any disk; private; in order."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from archiver import fs, journal
from archiver.errors import JournalUnwritable
from archiver.records import BINARY, CONTROL, HEADER, TEXT, Record, decode

# RLIMIT_FSIZE makes the kernel write what still fits and refuse the rest, as a full disk does.
FULL = """
import resource, sys
from pathlib import Path
from archiver.errors import JournalUnwritable
from archiver.journal import Segment
from archiver.records import TEXT
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
segment = Segment(Path(sys.argv[1]))
kept = refused = 0
for limit in range(0, 400, 7):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        segment.append(kept, kept, 1, TEXT, b"x" * (kept % 50))
        kept += 1
    except JournalUnwritable:
        refused += 1
        assert segment.path.stat().st_size == segment.size
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
segment.append(kept, kept, 1, TEXT, b"room again")
segment.close()
print(kept, refused)
"""


@pytest.fixture
def segment(tmp_path):
    made = journal.Segment(journal.segment_path(tmp_path, 1))
    yield made
    if made._file >= 0:
        made.close()


def test_what_is_appended_is_read_back_in_order(segment):
    written = [
        Record(n, n + 1, 2, kind, b"d" * n) for n, kind in enumerate([TEXT, BINARY, CONTROL])
    ]

    for one in written:
        segment.append(one.at, one.seq, one.connection, one.type, one.data)

    assert list(decode(segment.path.read_bytes())) == written
    assert segment.records == 3
    assert segment.size == segment.path.stat().st_size


def test_a_record_is_in_the_file_before_anything_is_synced(segment):
    segment.append(1, 1, 1, TEXT, b"{}")

    assert len(segment.path.read_bytes()) == HEADER + 2


def test_a_frame_of_twenty_megabytes_is_one_record(segment):
    data = os.urandom(1024) * 20_000

    segment.append(1, 1, 1, BINARY, data)

    assert [one.data for one in decode(segment.path.read_bytes())] == [data]


@pytest.mark.parametrize("fitting", [0, 1, HEADER - 1, HEADER, HEADER + 1, HEADER + 19])
def test_a_record_without_room_is_not_there_at_all(segment, room, fitting):
    segment.append(1, 1, 1, TEXT, b"before")
    before = segment.path.read_bytes()

    with room(len(before) + fitting), pytest.raises(JournalUnwritable) as caught:
        segment.append(2, 2, 1, TEXT, b"twenty bytes of data")

    assert str(caught.value) == (f"{segment.path}: cannot write (File too large); make room there")
    assert segment.path.read_bytes() == before
    assert (segment.size, segment.records) == (len(before), 1)


def test_appending_goes_on_when_there_is_room_again(segment, room):
    segment.append(1, 1, 1, TEXT, b"before")
    with room(segment.size + 40), pytest.raises(JournalUnwritable):
        segment.append(2, 2, 1, TEXT, b"lost" * 40)

    segment.append(3, 3, 1, TEXT, b"after")

    assert [one.data for one in decode(segment.path.read_bytes())] == [b"before", b"after"]


def test_a_disk_that_fills_and_empties_never_leaves_half_a_record(tmp_path):
    path = tmp_path / "00000001.segment"
    argv = [sys.executable, "-c", FULL, path]

    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    kept, refused = map(int, told.split())
    assert kept > 3
    assert refused > 3
    assert [one.seq for one in decode(path.read_bytes())] == list(range(kept + 1))


@pytest.mark.parametrize("modes", [fs.PRIVATE, fs.GROUP_READABLE], ids=["private", "group"])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_segment_has_the_mode_asked_for(tmp_path, modes, umask):
    before = os.umask(umask)
    try:
        segment = journal.Segment(tmp_path / "00000001.segment", modes)
    finally:
        os.umask(before)
    segment.close()

    assert stat.S_IMODE(segment.path.stat().st_mode) == modes.file


def test_a_segment_is_private_unless_said_otherwise(segment):
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600


def test_a_number_that_was_used_is_refused_and_its_segment_left_alone(segment):
    segment.append(1, 1, 1, TEXT, b"first")

    with pytest.raises(FileExistsError):
        journal.Segment(segment.path)

    assert [one.data for one in decode(segment.path.read_bytes())] == [b"first"]


def test_syncing_and_closing_take_any_order(segment):
    segment.sync()
    segment.append(1, 1, 1, TEXT, b"{}")
    segment.sync()
    segment.sync()
    segment.close()

    segment.sync()  # the thread that syncs may come late

    assert len(list(decode(segment.path.read_bytes()))) == 1


def test_segments_are_listed_oldest_first_and_nothing_else_is(tmp_path):
    for number in (10, 9, 100):
        journal.segment_path(tmp_path, number).touch()
    for name in ("state.json", "lock", "sealing", "00000003.damaged", ".00000004.segment.draft"):
        (tmp_path / name).touch()

    assert [path.name for path in journal.segments(tmp_path)] == [
        "00000009.segment",
        "00000010.segment",
        "00000100.segment",
    ]
