"""The judge of the soak: it finds what is lost, claimed or invented, and forgives what is a gap."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judge import Frame, Kept, Span, Verdict, claimed_seconds, judge, kept, reasons, sent

P = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{P}/requests"
A, B, C, D = (Frame(at, hash(str(at)), 1) for at in (10.0, 11.0, 12.0, 13.0))


def arrived(*frames, lag=0.5):
    return [Frame(frame.at + lag, frame.what, frame.size) for frame in frames]


def archive(*frames, gaps=(), covered=((9.0, 12.0),)):
    """Return what an archive holds after one connection."""
    spans = [Span(*span) for span in covered]
    return Kept({1: list(frames)}, [Span(*gap, "cut") for gap in gaps], spans)


def test_what_was_sent_is_archived():
    project = archive(*arrived(A, B, C))

    assert judge([[A, B, C]], project) == Verdict(sent=3, archived=3, lag=0.5)


def test_what_was_sent_last_may_lie_in_a_gap():
    project = archive(*arrived(A, B), gaps=[(12.0, 20.0)])

    assert judge([[A, B, C]], project) == Verdict(sent=3, archived=2, in_gaps=1, lag=0.5)


def test_a_gap_that_begins_later_than_frames_travel_excuses_nothing():
    project = archive(*arrived(A, B), gaps=[(12.7, 20.0)])

    assert judge([[A, B, C]], project).lost == 1


def test_what_lies_in_no_gap_is_lost():
    assert judge([[A, B, C]], archive(*arrived(A, B))).lost == 1


def test_what_was_sent_before_something_kept_is_lost_whatever_a_gap_says():
    project = archive(*arrived(A, C), gaps=[(9.0, 20.0)])

    assert judge([[A, B, C]], project).lost == 1


def test_what_is_missing_from_a_time_that_is_covered_is_claimed():
    project = archive(*arrived(A), gaps=[(9.0, 20.0)], covered=[(9.0, 14.0)])

    assert judge([[A, B, C, D]], project).claimed == 3


def test_the_last_sign_of_life_may_have_travelled_as_long_as_a_frame():
    project = archive(*arrived(A), gaps=[(10.5, 20.0)], covered=[(9.0, 11.5)])

    assert judge([[A, B]], project).claimed == 0


def test_what_was_never_sent_is_strange():
    assert judge([[A, B]], archive(*arrived(A, B, C))).strange == 1


def test_what_was_sent_before_the_first_coverage_is_in_no_archive():
    project = archive(*arrived(B), covered=[(11.0, 12.0)])

    assert judge([[A], [B]], project) == Verdict(2, 1, in_gaps=1, lag=0.5)


def test_connections_are_told_apart_by_when_they_began():
    again = Frame(12.0, A.what, 1)  # the same snapshot, sent to both
    project = Kept({1: arrived(A), 2: arrived(again, D)}, [], [Span(9.0, 14.0)])

    assert judge([[A], [again, D]], project) == Verdict(sent=3, archived=3, lag=0.5)


def test_seconds_are_claimed_in_which_nobody_was_there():
    covered = [Span(0, 10), Span(15, 20)]

    assert claimed_seconds(covered, [Span(9, 16), Span(30, 40)]) == 2
    assert claimed_seconds(covered, [Span(10, 15)]) == 0


def test_reasons_are_counted():
    gaps = [Span(0, 1, "cut"), Span(2, 3, "died"), Span(4, 5, "cut")]

    assert list(reasons(gaps)) == ["2 because cut", "1 because died"]


# Files.


@pytest.fixture
def log(tmp_path):
    def write(*frames):
        path = tmp_path / "sent.jsonl"
        lines = [json.dumps({"conn": conn, "at": at, "data": data}) for conn, at, data in frames]
        path.write_text("\n".join(lines))
        return path

    return write


def frame(message):
    return f'{{"action":"publish","payload":{{"topic":"{FEED}","method":"X","message":{message}}}}}'


@pytest.fixture
def part(tmp_path):
    """Write a part of an archive: rows as (connection, seq, element, kind, payload)."""

    def write(*rows):
        folder = tmp_path / "archive" / f"project_id={P}" / "date=1970-01-01"
        folder.mkdir(parents=True)
        names = ("connection", "seq", "element", "kind", "payload")
        table = [
            {
                **dict(zip(names, row, strict=True)),
                "source": "recorder" if row[3] in ("gap", "control") else "realtime",
                "received_at": datetime.fromtimestamp(10 + row[1], UTC),
            }
            for row in rows
        ]
        pq.write_table(pa.Table.from_pylist(table), folder / "main-1.parquet")
        return tmp_path / "archive"

    return write


def test_frames_and_rows_of_the_same_entities_are_the_same(log, part):
    messages = ['[{"a":1},{"b":"2"}]', '{"c":3}', "[]", "null"]
    rows = [(1, 0, 0, '{"a":1}'), (1, 0, 1, '{"b":"2"}')]
    rows += [(1, 1, 0, '{"c":3}'), (1, 2, 0, "[]"), (1, 3, 0, "null")]
    path = log((1, 9.0, '{"action":"heartbeat"}'), *((1, 9.5, frame(text)) for text in messages))

    ((connection,),) = sent([path]).values()
    (project,) = kept(part(*((*row[:3], "request", row[3]) for row in rows))).values()

    assert [one.what for one in project.frames[1]] == [one.what for one in connection]
    assert [one.size for one in connection] == [one.size for one in project.frames[1]]
    assert [one.size for one in connection] == [2, 1, 0, 1]


def test_servers_and_connections_are_kept_apart(log, tmp_path):
    first = log((1, 1.0, frame("{}")), (2, 2.0, frame("{}")))
    second = first.rename(tmp_path / "first.jsonl"), log((1, 3.0, frame("{}")))

    assert [[one.at for one in frames] for frames in sent(second)[P]] == [[1.0], [2.0], [3.0]]


def test_a_gap_that_was_never_closed_excuses_nothing_beyond_the_next_coverage(part):
    def at(second):
        return f"1970-01-01T00:00:{second:02}.000000Z"

    def row(seq, kind, **facts):
        return None, seq, 0, kind, json.dumps(facts)

    made = part(
        row(1, "control", control="covered", since=at(1), until=at(5)),
        row(2, "gap", since=at(5), until=None, why="cut"),
        row(3, "control", control="covered", since=at(8), until=at(9)),
        row(4, "gap", since=at(9), until=None, why="died"),
        row(5, "gap", since=at(9), until=at(12), why="died"),
        row(6, "gap", since=at(13), until=None, why="refused", topic=FEED),
        row(7, "gap", since=at(14), until=None, why="stopped"),
    )

    assert kept(made)[P].gaps == [
        Span(5, 8, "cut"),
        Span(9, 12, "died"),
        Span(14, float("inf"), "stopped"),
    ]
