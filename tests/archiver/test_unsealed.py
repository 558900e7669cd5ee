"""Reading a segment: split anywhere, cut anywhere, damaged anywhere, it never claims too much."""

from __future__ import annotations

import itertools
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import contract
from archiver.extract import spelled
from archiver.records import CONTROL, Damage, Record, decode, encode
from archiver.unsealed import Reader, day_of, table

P = "65f0a1b2c3d4e5f601234567"
DIED = "the recorder died"
DAMAGED = "the journal was damaged"


def spelled_rows(data, recorder="", *, live=False):
    return [spelled(row) for row in Reader(recorder).rows(data, live=live)]


# What may happen on a connection, and how long it takes.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["connect", "feed", "feed", "alive", "frame", "note", "lose"]),
        st.integers(1, 9),
    ),
    min_size=2,
    max_size=14,
)


def scripted(tape, frames, steps):
    """Return a segment in which the steps happen, as far as one follows from the last."""
    script, at, connection, is_open = tape(), 0, 0, False
    for step, seconds in steps:
        at += seconds
        if step == "connect" or not is_open:
            if is_open:
                script.disconnected(at, connection)
            connection, is_open = connection + 1, True
            script.connected(at, connection)
        elif step == "feed":
            script.feed(at, connection)
        elif step == "alive":
            script.control("alive", at, connection)
        elif step == "frame":
            script.frame(frames.update({"_id": str(at)}), at, connection)
        elif step == "note":
            script.control("subscribed", at, connection, topic=f"/{P}/requests", source="realtime")
        else:
            script.disconnected(at, connection)
            is_open = False
    return script


def spans(told, kind):
    """Return what is covered, or the project's gaps that have an end."""
    return [span[1:3] for span in told if span[0] == kind and span[2] is not None]


def seconds_in(found):
    """Return the whole seconds that spans hold; the scripts know no parts of one."""
    return {second for since, until in found for second in range(int(since), int(until))}


def carried(segments, tape, records_, edges):
    """Return the same records as segments split at the edges, each opened with the state so far."""
    found, state = [], {}
    noon = records_[0].at
    for start, end in zip([0, *edges], [*edges, len(records_)], strict=True):
        at = (records_[start - 1].at - noon) / 1e6 if start else 0
        segment = tape(1000 + 100 * len(found), state, at=at)
        for record in records_[max(start, 1) : end]:
            segment.add(
                (record.at - records_[0].at) / 1e6, record.connection, record.type, record.data
            )
        if end < len(records_):
            segment.control("rolled", (segment.records[-1].at - noon) / 1e6)
        reader = Reader()
        found += [spelled(row) for row in reader.rows(segment.data)]
        state = reader.coverage.to_json()
        segments.append(segment)
    return found


@given(STEPS)
def test_covered_time_and_closed_gaps_follow_each_other_without_hole_or_overlap(
    tape, frames, story, steps
):
    script = scripted(tape, frames, steps)
    told = story(script.rows())
    covered, gaps = spans(told, "covered"), spans(told, "gap")

    edges = sorted(covered + gaps)

    assert seconds_in(covered).isdisjoint(seconds_in(gaps))
    for (_, until), (since, _) in itertools.pairwise(edges):
        assert until == since
    open_gaps = [span for span in told if span[0] == "gap"]
    if edges:  # the last word is a gap that lasts: everything after it is unknown
        assert open_gaps[-1][1:3] == (edges[-1][1], None)


@given(STEPS, st.data())
def test_a_journal_split_anywhere_tells_the_same_as_the_whole(tape, frames, story, steps, data):
    script = scripted(tape, frames, steps)
    count = len(script.records)
    edges = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=4)))
    segments = []

    split = story(carried(segments, tape, script.records, edges))
    whole = story(script.rows())

    assert len(segments) == len(edges) + 1
    assert seconds_in(spans(split, "covered")) == seconds_in(spans(whole, "covered"))
    assert [told for told in split if told[0] != "covered"] == [
        told for told in whole if told[0] != "covered"
    ]


def by_key(rows):
    rows = list(rows)
    found = {(row["seq"], row["element"]): row for row in rows}
    assert len(found) == len(rows)
    return found


@given(STEPS, st.data())
def test_a_live_reading_is_the_beginning_of_the_sealed_one(tape, frames, story, steps, data):
    script = scripted(tape, frames, steps)
    script.control("rolled", 200, 0)
    sealed = by_key(script.rows())
    edge = data.draw(st.integers(1, len(script.records)))
    last = script.records[edge - 1].seq
    live = by_key(spelled_rows(script.data[: script.edges()[edge]], live=True))

    first = script.records[0].seq  # its rows say what the segment covers so far

    expected = {key: row for key, row in sealed.items() if first < key[0] <= last}
    assert {key: row for key, row in live.items() if key[0] != first} == expected
    covered = seconds_in(spans(story(list(live.values())), "covered"))
    assert covered <= seconds_in(spans(story(list(sealed.values())), "covered"))


def test_a_live_reading_of_a_closed_segment_is_the_sealed_one(tape):
    script = tape().connected(1).feed(2).control("alive", 5).control("rolled", 6)

    assert script.rows(live=True) == script.rows()


def test_a_segment_that_is_written_to_has_no_end_yet(tape, story):
    script = tape().connected(1).feed(2).control("alive", 5)

    assert story(script.rows(live=True)) == [("connected",), ("covered", 2, 5)]


# Damage.


def holed(script, *numbers):
    """Return the segment with a byte of each of the records named flipped."""
    data = bytearray(script.data)
    for number in numbers:
        data[script.edges()[number] + 5] ^= 0xFF
    return bytes(data)


def test_a_hole_is_a_gap_and_what_follows_is_covered_again(tape, story):
    script = tape().connected(1).feed(2).control("alive", 5).feed(7).control("alive", 9)
    script.control("rolled", 10)

    rows = spelled_rows(holed(script, 4))

    assert story(rows) == [
        ("connected",),
        ("covered", 2, 5),
        ("gap", 5, 9, DAMAGED),
    ]


def test_two_holes_are_two_gaps(tape, story):
    script = tape().connected(1).feed(2)
    for second in range(3, 10):
        script.control("alive", second)

    rows = spelled_rows(holed(script.control("rolled", 10), 4, 7))

    assert sorted(story(rows)[1:]) == [
        ("covered", 2, 3),
        ("covered", 5, 6),
        ("covered", 8, 9),
        ("gap", 3, 5, DAMAGED),
        ("gap", 6, 8, DAMAGED),
    ]


def test_a_torn_tail_ends_what_is_covered_at_the_last_whole_record(tape, story):
    script = tape().connected(1).feed(2).control("alive", 5).control("alive", 8)

    reader = Reader()
    rows = [spelled(row) for row in reader.rows(script.data[:-1])]

    assert story(rows)[1:] == [("covered", 2, 5), ("disconnected",), ("gap", 5, None, DIED)]
    assert reader.damages == [Damage(script.edges()[4], len(script.data) - 1)]


def test_a_lost_opening_leaves_its_frames_and_claims_nothing(tape, story):
    script = tape(coverage={}).connected(1).feed(2).control("alive", 5)

    rows = spelled_rows(script.data[20:], "main")

    assert [row["kind"] for row in rows if row["source"] != "recorder"] == ["request"]
    assert {row["recorder"] for row in rows} == {"main"}
    by_key(rows)


def test_time_without_a_sign_of_life_before_a_hole_is_not_covered(tape, story):
    script = tape().connected(1).feed(2).control("subscribed", 20, topic="", source="realtime")
    script.disconnected(21).connected(60, 2).feed(61, 2).control("rolled", 65, 2)

    rows = spelled_rows(holed(script, 4))

    assert spans(story(rows), "covered") == []


def test_a_new_connection_after_a_hole_covers_from_its_own_snapshot(tape, story):
    script = tape().connected(1).feed(2).control("alive", 5).disconnected(6)
    script.connected(8, 2).feed(12, 2).control("alive", 15, 2).control("rolled", 16, 2)

    told = story(spelled_rows(holed(script, 4)))

    assert sorted(spans(told, "covered")) == [(2, 5), (12, 15)]
    assert seconds_in(spans(told, "gap")) == set(range(5, 12))


@given(STEPS, st.data())
def test_damage_anywhere_never_claims_more_nor_makes_rows_up(tape, frames, story, steps, data):
    script = scripted(tape, frames, steps)
    script.control("rolled", 200, 0)
    whole = script.rows()
    damaged = bytearray(script.data)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))

    rows = spelled_rows(bytes(damaged), "main")

    claimed = seconds_in(spans(story(rows), "covered"))
    assert claimed <= seconds_in(spans(story(whole), "covered"))
    received = [row for row in rows if row["source"] != "recorder"]
    assert all(row in whole for row in received)
    by_key(rows)


# What a reader of the last minutes gets.


def test_the_table_has_the_columns_of_the_contract_then_project_and_date(tape, frames):
    script = tape().connected(1).feed(2, size=3).frame(b"garbage", 3)

    found = table(script.data)

    assert found.column_names == [*contract.NAMES, "project_id", "date"]
    assert found.select(contract.NAMES).schema.equals(contract.schema())
    kinds = found["kind"].to_pylist()
    assert kinds == ["control", "request", "request", "request", "unparsed", "control"]
    assert set(found["recorder"].to_pylist()) == {"main"}
    assert found["project_id"].to_pylist()[-2:] == [contract.UNKNOWN_PROJECT, P]
    assert set(found["date"].to_pylist()) == {date(2026, 11, 23)}


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_table_of_hardly_anything_is_empty(tape, cut):
    found = table(tape().data[:cut])

    assert found.num_rows == 0
    assert found.column_names[-2:] == ["project_id", "date"]


def test_a_torn_tail_is_read_when_it_has_become_whole(tape):
    script = tape().connected(1).feed(2).frame(b"late", 3)
    early = table(script.data[:-1])
    late = table(script.data)

    assert "unparsed" not in early["kind"].to_pylist()
    assert "unparsed" in late["kind"].to_pylist()


def test_binary_frames_are_kept_as_what_they_are(tape, frames):
    script = tape()
    script.add(1, 1, ord("B"), b"\x00\xff").add(2, 1, ord("B"), frames.feed({"_id": "a"}))

    found = [row for row in script.rows() if row["source"] == "realtime"]

    assert [row["kind"] for row in found] == ["unparsed", "unparsed"]
    assert [row.get("encoding") for row in found] == ["base64", None]


def test_each_row_bears_its_records_time_connection_and_number(tape):
    script = tape(41).connected(1, 7).feed(2.5, 7, size=2)

    first, second = [row for row in script.rows() if row["kind"] == "request"]

    assert (first["seq"], first["element"], first["connection"]) == (43, 0, 7)
    assert (second["seq"], second["element"]) == (43, 1)
    assert first["received_at"] == script.records[2].at
    assert day_of(first["received_at"]) == date(2026, 11, 23)


def test_a_recorder_of_old_may_note_what_we_do_not_know(tape):
    data = tape().data + encode(Record(1, 2, 0, CONTROL, json.dumps({"control": "new"}).encode()))

    assert len(list(decode(data))) == 2
    assert list(Reader().rows(data)) == []


@given(STEPS, st.lists(st.floats(0, 1), max_size=5))
def test_what_is_read_as_it_grows_is_what_is_read_at_once(tape, frames, steps, cuts):
    data = scripted(tape, frames, steps).data
    reader, found, taken = Reader(), [], 0

    for end in [*sorted(round(cut * len(data)) for cut in cuts), len(data)]:
        rows, read = reader.more(data[taken:end])
        found += rows
        taken += read
        assert reader.covered() == reader.covered()

    assert taken == len(data)
    assert found + reader.covered() == list(Reader().rows(data, live=True))


@given(st.data())
def test_what_is_damaged_while_it_grows_is_passed_over(tape, frames, data):
    steps = [("connect", 1), ("feed", 1), ("frame", 2), ("alive", 2), ("frame", 1)]
    whole = bytearray(scripted(tape, frames, steps).data)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 0xFF
    reader = Reader()

    rows, taken = reader.more(bytes(whole))

    assert rows + reader.covered() == list(Reader().rows(bytes(whole), live=True))
    assert taken <= len(whole)
