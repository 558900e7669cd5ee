"""Following journals: each byte once, whole records only, over rolls, seals and crashes."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, closing

import pytest

from archiver import journal
from archiver.errors import ProjectUnknown
from archiver.recording import Policy
from archiver.tail import Tail, whole


@pytest.fixture
def follow():
    """Follow an archive until the test is over."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(closing(Tail(*arguments)))


@pytest.fixture
def tail(desk, follow):
    return follow(desk.archive)


@pytest.fixture
def update(desk, frames):
    """Have a recording take a new chat."""

    def take(recording, *numbers):
        for number in numbers:
            desk.take(recording, frames.update(frames.request(number, 200, number)))

    return take


def chats(events):
    """Return the numbers of the chats that were told of."""
    return [int(event.request_id[-32:], 16) for event in events if event.kind == "request"]


def test_each_event_is_told_once(desk, tail, update):
    recording = desk.record()
    assert tail.new() == []
    update(recording, 1, 2)
    assert chats(tail.new()) == [1, 2]
    assert tail.new() == []
    update(recording, 3)
    assert chats(tail.new()) == [3]


def test_it_begins_with_the_last_lines(desk, tail, update):
    update(desk.record(), *range(1, 9))

    assert chats(tail.last(3)) == [6, 7, 8]
    assert tail.new() == []


def test_it_may_begin_with_none(desk, tail, update):
    recording = desk.record()
    update(recording, 1)
    assert tail.last(0) == []
    update(recording, 2)
    assert chats(tail.new()) == [2]


def test_it_follows_over_rolls_and_sealing(desk, tail, update):
    recording = desk.record()
    update(recording, 1)
    assert chats(tail.new()) == [1]
    update(recording, 2)
    recording.roll(desk.now)
    update(recording, 3)
    recording.seal()
    assert chats(tail.new()) == [2, 3]
    for number in range(4, 8):
        update(recording, number)
        recording.roll(desk.now)
    recording.seal()
    update(recording, 8)
    # What came and went between two looks is in the archive; what is there is told.
    assert chats(tail.new()) == [4, 8]


def test_it_follows_a_recorder_that_died_and_came_back(desk, tail, update):
    recording = desk.record()
    desk.keep(recording, 1, connection=desk.connect(recording))
    tail.new()
    update(recording, 2)
    desk.crash(recording)
    again = desk.record()
    update(again, 3)

    events = tail.new() + tail.new()

    assert [event.what for event in events] == [
        "new chat, assigned",
        "disconnected, connection 1: the recorder died",
        "gap began: the recorder died",
        "new chat, assigned",
    ]


def test_a_successor_that_is_taken_back_changes_nothing(desk, tail, update):
    recording = desk.record()
    update(recording, 1)
    tail.new()
    draft = journal.segment_path(desk.folder, 99)
    draft.write_bytes(b"x")
    assert tail.new() == []
    draft.unlink()
    update(recording, 2)
    assert chats(tail.new()) == [2]


def test_a_record_cut_anywhere_is_waited_for(tape, frames, tmp_path, follow):
    script = tape()
    for number in (1, 2):
        script.frame(frames.update(frames.request(number)), number)
    data, folder = script.data, tmp_path / "_journal" / "main"
    folder.mkdir(parents=True)
    path = journal.segment_path(folder, 1)
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        tail = follow(tmp_path)
        found = tail.new()
        with path.open("ab") as file:
            file.write(data[cut:])
        found += tail.new()
        assert chats(found) == [1, 2]


def test_only_new_bytes_are_read(desk, tail, update, monkeypatch):
    recording = desk.record()
    update(recording, *range(1, 200))
    tail.new()
    read = []
    monkeypatch.setattr("archiver.tail.whole", lambda data: read.append(len(data)) or whole(data))
    update(recording, 200)

    tail.new()
    tail.new()

    assert len(read) == 1
    assert read[0] < 1000


def test_damage_is_passed_over_and_told_as_a_gap(tape, tmp_path, follow):
    script = tape().connected(0).feed(1).feed(5).feed(9)
    data, edges = bytearray(script.data), script.edges()
    data[edges[3] + 40] ^= 1
    folder = tmp_path / "_journal" / "main"
    folder.mkdir(parents=True)
    journal.segment_path(folder, 1).write_bytes(data)

    assert [event.what for event in follow(tmp_path).new()] == [
        "connected, connection 1",
        "1 open chat",
        "1 open chat",
        "gap ended after 8.0 s: the journal was damaged",
    ]


def test_recorders_are_told_together_and_apart(desk, tail, update):
    one, two = desk.record(), desk.record(recorder="two")
    for recording, number in zip(itertools.cycle((one, two)), range(1, 5), strict=False):
        update(recording, number)

    events = tail.new()

    assert chats(events) == [1, 2, 3, 4]
    assert [event.recorder for event in events] == ["main", "two"] * 2
    assert "  two  " in tail.line(events[1])


def test_a_project_may_be_chosen(desk, frames, follow):
    recording = desk.record()
    for project in ("a", "b", "a"):
        desk.take(recording, frames.update(frames.request(1), project=project))

    everything, one = follow(desk.archive), follow(desk.archive, ("b",))

    assert [event.project_id for event in everything.new()] == ["a", "b", "a"]
    (event,) = one.new()
    assert event.project_id == "b"
    assert "  b  " in everything.line(event)
    assert "  b  " not in one.line(event)


def test_history_is_the_last_segments_only(desk, update, follow):
    recording = desk.record(Policy(records=2))
    for number in range(1, 6):
        update(recording, number)
        recording.roll(desk.now)
    update(recording, 6)

    assert chats(follow(desk.archive).last(20)) == [5, 6]


def test_a_project_that_is_not_there_is_named_with_those_that_are(desk, tail, follow, update):
    recording = desk.record()
    update(recording, 1)
    tail.last(5)
    other = follow(desk.archive, ("nope",))

    with pytest.raises(ProjectUnknown) as error:
        other.last(0)

    (there,) = {event.project_id for event in follow(desk.archive).last(5)}
    assert str(error.value) == f"{desk.archive}: no project nope here; there is {there}"


def test_a_project_that_is_sealed_already_is_there(desk, follow, update):
    recording = desk.record()
    update(recording, 1)
    (event,) = follow(desk.archive).last(5)
    desk.close(recording)

    assert follow(desk.archive, (event.project_id,)).last(5) == []


def test_an_archive_of_nothing_has_no_project(desk, follow):
    desk.record()

    with pytest.raises(ProjectUnknown) as error:
        follow(desk.archive, ("one", "two")).last(5)

    assert str(error.value) == f"{desk.archive}: no project one here; there is nothing yet"
