"""The process beside the recorder that compacts: begun in time, counted, ended at any moment."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime

import pytest

from archiver import contract, fs, listing, manifest
from archiver.bucket import parse
from archiver.compactor import Compactor
from archiver.recorder import Recorder, Settings
from archiver.recording import Recording

P = "65f0a1b2c3d4e5f601234567"
LONG_AGO = 1_600_000_000_000_000


@pytest.fixture
def archive(tmp_path, frames):
    """Return an archive of a day that was over long ago, in three parts."""
    recording = Recording(tmp_path / "archive", "main", [P], lambda: LONG_AGO)
    for chat in range(3):
        recording.keep([frames.feed(frames.request(chat))], LONG_AGO, 1)
        recording.roll(LONG_AGO)
        recording.seal()
    recording.close(LONG_AGO)
    return recording.archive


def look_until_it_ends(beside):
    """Wait for the process as the recorder does, which looks again and again."""
    while beside._process is not None:
        beside._process.wait()
        beside.look_after()


def test_days_that_are_over_are_compacted_by_a_process(archive):
    beside = Compactor(archive, fs.GROUP_READABLE, first=0)
    assert len(listing.parts(archive)) == 3

    beside.look_after()
    look_until_it_ends(beside)

    (part,) = listing.parts(archive)
    assert manifest.is_compacted(part.name)
    assert part.stat().st_mode & 0o777 == 0o640
    assert beside.failures == 0


def test_nothing_begins_before_it_is_time_nor_again_at_once(archive):
    early = Compactor(archive, fs.PRIVATE)
    early.look_after()
    assert early._process is None

    beside = Compactor(archive, fs.PRIVATE, first=0)
    beside.look_after()
    look_until_it_ends(beside)
    beside.look_after()
    assert beside._process is None


def test_a_run_that_names_a_damaged_part_is_counted_and_said(archive, capfd, caplog):
    part = listing.parts(archive)[0]
    part.write_bytes(b"no part")
    beside = Compactor(archive, fs.PRIVATE, first=0)

    beside.look_after()
    look_until_it_ends(beside)

    assert beside.failures == 1
    assert capfd.readouterr().err.startswith(f"Error: {part}: damaged (")
    assert caplog.messages == ["compacting status=1 again_in_s=3600"]
    assert len(listing.parts(archive)) == 2


def test_a_second_recorder_leaves_it_to_the_first(archive, capfd):
    held = fs.lock(archive / manifest.COMPACTING)
    beside = Compactor(archive, fs.PRIVATE, first=0)

    beside.look_after()
    look_until_it_ends(beside)
    os.close(held)

    assert (beside.failures, capfd.readouterr().err) == (0, "")
    assert len(listing.parts(archive)) == 3


def test_a_recorder_that_stops_does_not_wait_for_it(archive):
    os.mkfifo(archive / contract.JOURNAL_FOLDER / "main" / "00000099.segment")  # it waits for ever
    beside = Compactor(archive, fs.PRIVATE, first=0)
    beside.look_after()
    process = beside._process

    beside.end()

    assert process.returncode == -15
    assert len(listing.parts(archive)) == 3


def test_a_recorder_looks_after_it_and_ends_it(archive):
    recorder = Recorder(Settings(archive, ()))
    recorder._compactor = Compactor(archive, fs.PRIVATE, first=0)
    recording = Recording(archive, "main", [P])

    recorder._keep_watch(recording)  # one round: there is nobody who receives
    process = recorder._compactor._process
    assert process is not None
    recorder._end(recording)

    assert process.returncode is not None
    assert recorder._compactor._process is None


def test_a_recorder_compacts_unless_told_not_to(archive):
    assert Recorder(Settings(archive, ()))._compactor is not None
    assert Recorder(Settings(archive, (), compacts=False))._compactor is None


def test_not_the_spool_is_compacted_but_its_bucket(archive):
    remote = replace(parse("s3://chats/desk"), spool=archive)
    beside = Recorder(Settings(archive, (), remote=remote))._compactor

    assert beside._command[-4:] == ["s3://chats/desk", "private", "3600", str(archive)]


def test_what_was_replaced_stays_for_an_hour(archive):
    beside = Compactor(archive, fs.PRIVATE, first=0)
    beside.look_after()
    look_until_it_ends(beside)
    folder = listing.parts(archive)[0].parent
    (until,) = set(listing.manifest_of(folder).replaced.values())

    swapped = (folder / manifest.NAME).stat().st_mtime
    assert datetime.fromisoformat(until).timestamp() - swapped == pytest.approx(3600, abs=30)
