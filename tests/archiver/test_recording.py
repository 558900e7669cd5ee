"""A recording over restarts, crashes and full disks: nothing is lost, no number is used twice."""

from __future__ import annotations

import stat

import pytest

from archiver import fs, journal
from archiver.errors import ArchiveUnwritable, JournalLocked
from archiver.recording import Policy, Recording, seal_all
from archiver.records import TEXT

P = "65f0a1b2c3d4e5f601234567"
SECOND = 1_000_000


def test_a_frame_is_in_the_journal_before_it_is_read(desk, frames):
    recording = desk.record()

    (frame,) = recording.keep([frames.feed(frames.request(1))], desk.after(1), 1)

    assert frame.is_snapshot
    assert [record.data for record in desk.records() if record.type == TEXT] == [
        frames.feed(frames.request(1))
    ]


def test_what_was_received_is_in_the_archive_when_the_recording_is_closed(
    desk, frames, sealed_rows
):
    recording = desk.record()
    number = desk.connect(recording)
    desk.keep(recording, 1, 2, 3, connection=number)
    recording.keep([b"\xff"], desk.after(1), number, binary=True)

    desk.close(recording)

    rows = sealed_rows(desk.archive)
    assert [row["kind"] for row in rows if row["source"] == "realtime"] == [
        "request",
        "request",
        "request",
        "unparsed",
    ]
    assert journal.segments(desk.folder) == []


def test_two_recordings_of_one_name_are_refused_and_of_two_names_not(desk):
    first = desk.record()

    with pytest.raises(JournalLocked) as caught:
        desk.record()

    assert str(caught.value) == (
        f"{desk.folder}: another process records as main;"
        " stop it, or choose another name with --recorder"
    )
    desk.record(recorder="second")
    desk.close(first)
    desk.close(desk.record())


def test_sealing_beside_a_running_recorder_is_refused(desk):
    desk.record()

    with pytest.raises(JournalLocked):
        seal_all(desk.archive, "main")


def test_a_recording_that_cannot_begin_frees_its_lock(desk):
    desk.close(desk.record())
    good = (desk.folder / "state.json").read_bytes()
    (desk.folder / "state.json").write_bytes(b"{")
    with pytest.raises(Exception, match="not a recorder's state"):
        desk.record()

    (desk.folder / "state.json").write_bytes(good)

    desk.record()


def test_an_archive_where_no_folder_can_be_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ArchiveUnwritable) as caught:
        Recording(tmp_path / "file" / "archive", "main", [P])

    assert str(caught.value) == (
        f"{tmp_path}/file/archive: cannot write there (Not a directory);"
        " name a folder that you may write"
    )


@pytest.mark.parametrize("modes", [fs.PRIVATE, fs.GROUP_READABLE], ids=["private", "group"])
def test_everything_made_has_the_mode_asked_for(desk, frames, modes):
    recording = desk.record(Policy(modes=modes))
    desk.keep(recording, 1)
    recording.roll(desk.after(1))
    recording.seal()

    found = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in desk.archive.rglob("*")}
    assert found == {(True, modes.folder), (False, modes.file)}


# Rolling.


def test_a_segment_is_due_by_records(desk, frames):
    recording = desk.record(Policy(records=4))
    due = []
    for number in range(3):
        due.append(recording.is_due(desk.now))
        desk.keep(recording, number)

    assert due == [False, False, False]  # the opening is a record
    assert recording.is_due(desk.now)


def test_a_segment_is_due_by_bytes(desk, frames):
    recording = desk.record(Policy(size=5000))
    desk.keep(recording, 1)
    assert not recording.is_due(desk.now)

    recording.keep([b"x" * 5000], desk.now, 1)

    assert recording.is_due(desk.now)


def test_a_segment_is_due_by_age_also_when_nothing_arrives(desk, frames):
    recording = desk.record(Policy(age=60 * SECOND))
    desk.keep(recording, 1)
    assert not recording.is_due(desk.after(58))

    assert recording.is_due(desk.after(1))


def test_a_segment_is_due_when_the_clock_jumps_back(desk, frames):
    recording = desk.record()
    desk.keep(recording, 1)
    assert not recording.is_due(desk.now)

    assert recording.is_due(desk.after(-3600))


def test_a_segment_of_nothing_is_never_due(desk):
    assert not desk.record(Policy(age=1)).is_due(desk.after(86_400))


def test_a_roll_after_the_clock_jumped_back_begins_a_new_age(desk, frames):
    recording = desk.record()
    desk.keep(recording, 1)
    recording.roll(desk.after(-3600))
    desk.keep(recording, 2)

    assert not recording.is_due(desk.now)


def test_a_roll_leaves_the_closed_segment_to_be_sealed_and_the_open_one_alone(
    desk, frames, sealed_rows
):
    recording = desk.record()
    number = desk.connect(recording)
    desk.keep(recording, 1, connection=number)
    recording.roll(desk.after(1))
    desk.keep(recording, 2, connection=number)

    (closed,) = recording.closed()
    recording.seal()

    assert not closed.exists()
    assert len(journal.segments(desk.folder)) == 1
    assert [row["kind"] for row in sealed_rows(desk.archive)] == ["control", "request"]
