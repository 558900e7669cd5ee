"""A recording over full disks, crashes and restarts: nothing is lost, no number is used twice."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from archiver import contract, journal
from archiver.errors import JournalUnwritable
from archiver.recording import Policy, seal_all
from archiver.records import TEXT
from archiver.state import recover

P = "65f0a1b2c3d4e5f601234567"


# Full disks.


def test_a_frame_without_room_is_refused_and_the_next_one_kept(desk, room):
    recording = desk.record()
    desk.keep(recording, 1)
    with room(recording._segment.size + 50), pytest.raises(JournalUnwritable):
        desk.keep(recording, 2)

    desk.keep(recording, 3)

    seqs = [record.seq for record in desk.records()]
    assert seqs == sorted(set(seqs))
    assert len([record for record in desk.records() if record.type == TEXT]) == 2


@pytest.mark.parametrize("size", [0, 300])
def test_a_roll_without_room_leaves_the_old_segment_in_use(desk, room, size):
    recording = desk.record()
    number = desk.connect(recording)
    desk.keep(recording, *range(5), connection=number)
    with room(size), pytest.raises(JournalUnwritable, match="make room there"):
        recording.roll(desk.after(1))

    desk.keep(recording, 6, connection=number)
    recording.roll(desk.after(1))
    desk.keep(recording, 7, connection=number)

    seqs = [record.seq for record in desk.records()]
    assert seqs == sorted(set(seqs))
    texts = [record for record in desk.records() if record.type == TEXT]
    assert len(texts) == 7


@pytest.mark.parametrize("size", [0, 300, 600, 900])
def test_a_crash_after_a_roll_without_room_uses_no_number_twice(desk, room, size, sealed_rows):
    recording = desk.record()
    number = desk.connect(recording)
    desk.keep(recording, *range(5), connection=number)
    with room(size), pytest.raises(JournalUnwritable):
        recording.roll(desk.after(1))
    desk.keep(recording, 6, 7, 8, connection=number)

    desk.crash(recording)
    again = desk.record()
    desk.keep(again, 9, 10, connection=desk.connect(again))

    seqs = [record.seq for record in desk.records()]
    assert seqs == sorted(set(seqs))
    assert len(again.memory.project(P).chats) == 10
    desk.close(again)
    requests = [row for row in sealed_rows(desk.archive) if row["kind"] == "request"]
    assert len(requests) == 10


# Numbers.


def used(desk, sealed_rows):
    """Return the segments, sequences and connections that were ever written, each as a list."""
    found = desk.records()
    rows = [row for row in sealed_rows(desk.archive) if row["source"] != "recorder"]
    segments = {path.stem for path in journal.segments(desk.folder)}
    parts = {path.stem.rpartition("-")[2] for path in desk.archive.glob(contract.parts_glob())}
    return segments, parts, [record.seq for record in found], [row["seq"] for row in rows]


@pytest.mark.parametrize("seed", range(12))
def test_no_number_is_used_twice_over_crashes_restarts_and_seals(desk, frames, seed, sealed_rows):
    chance = random.Random(seed)
    numbers, connections, texts = itertools.count(), [], 0
    recording, number = desk.record(Policy(records=7)), 0
    for _ in range(60):
        match chance.choice(["keep", "keep", "keep", "connect", "roll", "seal", "crash", "stop"]):
            case "keep":
                desk.keep(recording, next(numbers), connection=number)
                texts += 1
            case "connect":
                number = desk.connect(recording)
                connections.append(number)
            case "roll":
                recording.roll(desk.after(1))
            case "seal":
                recording.seal()
            case "crash" | "stop" as end:
                desk.crash(recording) if end == "crash" else desk.close(recording)
                if chance.random() < 0.5:
                    seal_all(desk.archive, "main")
                recording = desk.record(Policy(records=7))

    segments, parts, waiting, sealed = used(desk, sealed_rows)

    assert connections == sorted(set(connections))
    assert waiting == sorted(set(waiting))
    assert len(sealed) == len(set(sealed))
    assert segments.isdisjoint(parts)
    assert set(sealed).isdisjoint(waiting)
    kept = len([record for record in desk.records() if record.type == TEXT])
    assert kept + len(sealed) == texts


# Recovery.


@pytest.mark.parametrize("at", range(9))
def test_after_a_crash_at_any_point_all_is_known_that_was_known(desk, frames, at):
    recording = desk.record()
    number = desk.connect(recording)
    script = [lambda n=n: desk.keep(recording, n, connection=number) for n in range(4)]
    script.insert(2, lambda: recording.roll(desk.after(1)))
    close = frames.update(frames.request(1, 1000, second=2, closed_at=None))
    script.append(lambda: desk.take(recording, close, number))
    script.append(lambda: recording.roll(desk.after(1)))
    script.append(recording.seal)
    for step in script[:at]:
        step()
    memory = recording.memory.to_json()
    seq, coverage = recording._state.seq, recording._fold.coverage
    coverage.rolled()
    coverage.ended("the recorder died")

    desk.crash(recording)
    again = desk.record()

    assert again.memory.to_json() == memory
    assert again._fold.coverage.to_json() == coverage.to_json()
    assert again._state.seq > seq
    assert again.session().number == 2


def test_the_hole_of_a_crash_is_closed_by_the_next_snapshot(desk, frames, sealed_rows, story):
    recording = desk.record()
    number = desk.connect(recording)  # 1
    desk.keep(recording, 1, 2, connection=number)  # 2, 3
    desk.crash(recording)

    again = desk.record()
    desk.after(56)
    number = desk.connect(again)  # 60
    desk.keep(again, 3, 4, connection=number)  # 61, 62
    desk.close(again)

    rows = [row for row in sealed_rows(desk.archive) if row["project_id"] == P]
    spans = [span for span in story(rows) if span[0] in ("gap", "covered")]
    assert sorted(spans, key=str) == [
        ("covered", 2, 3),
        ("covered", 61, 62),
        ("gap", 3, 61, "the recorder died"),
        ("gap", 3, None, "the recorder died"),
        ("gap", 62, None, "the recorder was stopped"),
    ]


def test_a_crash_in_the_middle_of_a_roll_ends_the_connection_that_was_open(
    desk, frames, sealed_rows, story
):
    """The state is saved and names the next segment, but that one was not begun."""
    recording = desk.record()
    number = desk.connect(recording)
    desk.keep(recording, 1, 2, connection=number)
    recording._save()
    desk.crash(recording)

    again = desk.record()
    desk.after(56)
    desk.keep(again, 3, connection=desk.connect(again))
    desk.close(again)

    rows = [row for row in sealed_rows(desk.archive) if row["project_id"] == P]
    spans = {span for span in story(rows) if span[0] in ("gap", "covered")}
    assert ("covered", 2, 3) in spans
    assert ("gap", 3, 61, "the recorder died") in spans


def test_recovering_reads_and_writes_nothing_else(desk, frames):
    recording = desk.record()
    desk.keep(recording, 1)
    desk.crash(recording)
    before = {path: path.read_bytes() for path in desk.archive.rglob("*") if path.is_file()}

    first = recover(desk.archive, desk.folder, "main").to_json()
    second = recover(desk.archive, desk.folder, "main").to_json()

    assert first == second
    assert {path: path.read_bytes() for path in before} == before


def test_sealing_what_a_dead_recorder_left_keeps_its_numbers(desk, frames):
    recording = desk.record()
    desk.keep(recording, 1, 2, connection=desk.connect(recording))
    after = recording._state.seq
    desk.crash(recording)

    sealed = seal_all(desk.archive, "main")

    facts = json.loads((desk.folder / "state.json").read_bytes())
    assert len(sealed) == 1
    assert (facts["segment"], facts["seq"], facts["connection"]) == (2, after, 2)
    assert seal_all(desk.archive, "main") == []
