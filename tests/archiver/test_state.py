"""A recorder's state on disk: saved whole, read back, refused in a sentence when it is not."""

from __future__ import annotations

import json
import stat

import pytest

from archiver import contract, fs, journal, state
from archiver.coverage import Coverage
from archiver.errors import JournalDamaged
from archiver.memory import Memory

P = "65f0a1b2c3d4e5f601234567"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / contract.JOURNAL_FOLDER / "main"
    made.mkdir(parents=True)
    return made


def recovered(folder):
    return state.recover(folder.parents[1], folder, "main").to_json()


def test_a_new_recorder_begins_at_one(folder):
    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq, found.connection) == (1, 1, 1)


def test_what_was_saved_is_loaded(folder, tape, frames):
    saved = state.State(7, 8, 9, Coverage(), Memory())
    state.fold(saved, 6, tape().connected(1).feed(2).data, "main")

    saved.save(folder, fs.GROUP_READABLE)

    assert state.load(folder).to_json() == saved.to_json()
    assert stat.S_IMODE((folder / "state.json").stat().st_mode) == 0o640
    assert saved.memory.project(P).chats


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "JSONDecodeError"),
        (b"{", "JSONDecodeError"),
        (b"\xff", "UnicodeDecodeError"),
        (b"[]", "TypeError"),
        (b"null", "TypeError"),
        (b"{}", "KeyError"),
        (b'{"segment":1,"seq":1,"connection":1,"coverage":[],"memory":{}}', "AttributeError"),
        (b'{"segment":1,"seq":1,"connection":1,"coverage":{},"memory":[]}', "AttributeError"),
        (
            b'{"segment":1,"seq":1,"connection":1,"coverage":{"watches":{"p":{"x":1}}},"memory":{}}',
            "TypeError",
        ),
    ],
)
def test_a_damaged_state_is_refused_with_the_way_out(folder, text, why):
    (folder / "state.json").write_bytes(text)

    with pytest.raises(JournalDamaged) as caught:
        recovered(folder)

    assert str(caught.value) == (
        f"{folder}/state.json: not a recorder's state ({why});"
        " restore it from a copy, or record under another --recorder name"
    )


def test_a_state_that_is_missing_where_parts_are_is_refused_with_the_way_out(folder):
    part = folder.parents[1] / "project_id=p" / "date=2026-11-23" / "main-00000003.parquet"
    part.parent.mkdir(parents=True)
    part.touch()

    with pytest.raises(JournalDamaged) as caught:
        recovered(folder)

    assert str(caught.value) == (
        f"{folder}/state.json: missing, but main-00000003.parquet was written by this recorder;"
        " restore it from a copy, or record under another --recorder name"
    )


@pytest.mark.parametrize("name", ["main2-00000003", "main-2-00000003", "other-00000003"])
def test_parts_of_recorders_of_similar_names_do_not_matter(folder, name):
    part = folder.parents[1] / "project_id=p" / "date=2026-11-23" / f"{name}.parquet"
    part.parent.mkdir(parents=True)
    part.touch()

    assert recovered(folder)["segment"] == 1


def test_a_state_that_is_missing_is_rebuilt_from_the_segments(folder, tape, frames):
    script = tape(seq=50).connected(1, 4).feed(2, 4, size=3).control("alive", 9, 4)
    script.write(folder, 12)

    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq, found.connection) == (13, 54, 5)
    assert len(found.memory.project(P).chats) == 3
    assert found.coverage.watches[P].lost == script.records[-1].at
    assert found.coverage.lines == {}


def test_segments_that_the_state_knows_of_are_not_folded_again(folder, tape):
    tape(seq=50).connected(1, 4).feed(2, 4).control("rolled", 3).write(folder, 12)
    state.State(13, 90, 7).save(folder, fs.PRIVATE)

    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq, found.connection) == (13, 90, 7)
    assert found.memory.projects == {}


def test_a_segment_that_went_on_after_the_state_was_saved_is_folded(folder, tape):
    """There was no room for the next segment: the state names it, but the old one went on."""
    tape(seq=50).connected(1, 4).feed(2, 4).control("alive", 9, 4).write(folder, 12)
    state.State(13, 52, 5).save(folder, fs.PRIVATE)

    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq, found.connection) == (13, 54, 5)
    assert len(found.memory.project(P).chats) == 1


def test_a_segment_that_is_sealed_meanwhile_is_passed_over(folder, tape):
    """The process that a dead recorder had begun to seal with lives on."""
    journal.segment_path(folder, 12).symlink_to("gone between the look and the reading")
    tape(seq=50).connected(1, 4).feed(2, 4).write(folder, 13)
    state.State(13, 50, 4).save(folder, fs.PRIVATE)

    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq, found.connection) == (14, 53, 5)


def test_a_torn_segment_is_folded_as_far_as_it_can_be_read(folder, tape):
    script = tape(seq=50).connected(1).feed(2, size=3).feed(5)
    path = script.write(folder, 1)
    path.write_bytes(script.data[:-1])

    found = state.recover(folder.parents[1], folder, "main")

    assert (found.segment, found.seq) == (2, 53)
    assert len(found.memory.project(P).chats) == 3


def test_an_empty_segment_uses_its_number_up_and_nothing_else(folder):
    journal.segment_path(folder, 4).touch()

    found = recovered(folder)

    assert (found["segment"], found["seq"], found["connection"]) == (5, 1, 1)


def test_a_state_says_the_format_that_it_is_of(folder):
    state.State().save(folder, fs.PRIVATE)

    assert json.loads((folder / "state.json").read_bytes())["format"] == contract.VERSION
