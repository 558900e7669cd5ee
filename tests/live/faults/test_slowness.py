"""Servers that are slow: late snapshots, frames that dribble. Late is not lost, and not refused."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from archiver.protocol import SECOND, Limits

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"


def told(rows, kind):
    """Return the facts of the recorder's own rows of a kind."""
    return [json.loads(row["payload"]) for row in rows if row["kind"] == kind]


def topic_gaps(rows):
    return {fact["topic"]: fact for fact in told(rows, "gap") if "topic" in fact}


def first_snapshots(rows):
    """Return when each topic was first answered."""
    found = {}
    for row in rows:
        if row["is_snapshot"]:
            found.setdefault(row["topic"], row["received_at"])
    return found


def test_snapshots_that_come_late_but_in_time_are_no_gaps(
    office, desk_of, record, run, archive, read_rows, gaps, sent_entities, lost
):
    request, _, messages_of = desk_of
    office.change(*(request(number, number) for number in range(1, 13)))
    office.slow(latency=1.2)
    recorder = record(office.url)
    recorder.wait_for("event=connected")
    for number in range(1, 13):  # while most of them wait for their turn to be asked for
        office.say(number, 1)
    for number in range(1, 13):
        office.wait_until_asked(1, "subscribe", messages_of(number))
        office.say(number, 2)
    for number in range(1, 13):
        office.wait_until_asked(1, "answered", messages_of(number))
    office.slow()
    office.change(request(13, 13))
    office.wait_until_asked(1, "subscribe", messages_of(13))
    assert recorder.stop() == 0, recorder.lines

    assert lost(sent_entities(office.sent()), archive) == {}
    rows = read_rows(archive)
    connected = next(row for row in rows if row["kind"] == "control")["received_at"]
    late = first_snapshots(rows)
    assert late[FEED] - connected >= timedelta(seconds=1)  # it was slow
    assert len({topic for topic in late if topic.endswith("/messages")}) == 13
    assert topic_gaps(rows) == {}
    assert not [fact for fact in told(rows, "control") if fact["control"] == "refused"]
    said = {row["payload"] for row in rows if row["kind"] == "message" and row["entity_id"]}
    assert len({json.loads(text)["_id"] for text in said}) == 12 * 2
    (end,) = gaps(rows)
    assert end["why"] == "the recorder was stopped"
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_snapshots_that_come_too_late_end_gaps_of_their_own(
    office, desk_of, line, run, archive, read_rows, gaps, sent_entities, lost
):
    """In this process, to be less patient than a recorder."""
    request, _, messages_of = desk_of
    topics = {messages_of(number) for number in (1, 2, 3)}
    office.change(*(request(number, number) for number in (1, 2, 3)))
    one = line(office.url, Limits(answer=SECOND // 4))
    one.hold(lambda: FEED in one.confirmed())
    office.slow(latency=1.5)
    one.hold(lambda: topics <= one.refused())
    for number in (1, 2, 3):
        office.say(number, 1, 2)
    one.hold(lambda: topics <= one.confirmed())
    office.say(1, 3)
    one.close()

    assert lost(sent_entities(office.sent()), archive) == {}
    rows = read_rows(archive)
    late, found = first_snapshots(rows), topic_gaps(rows)
    assert set(found) == topics
    for topic, gap in found.items():
        assert gap["why"] == "refused"
        since, until = map(datetime.fromisoformat, (gap["since"], gap["until"]))
        assert until == late[topic]
        assert timedelta(seconds=1) < until - since < timedelta(seconds=5)
    said = {row["entity_id"] for row in rows if row["kind"] == "message" and row["entity_id"]}
    assert len(said) == 3 * 2 + 1
    (end,) = gaps(rows)  # the project itself was covered all the while
    assert end["why"] == "the test is over"
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_frames_that_come_byte_by_byte_are_kept_whole_and_one_cut_off_is_in_the_gap(
    office, desk_of, record, run, archive, read_rows, gaps, sent_entities, lost
):
    request, _, messages_of = desk_of
    office.slow(pause=0.001)
    recorder = record(office.url)
    recorder.wait_for("event=connected")
    for number in (1, 2):
        office.change(request(number, number))
        office.wait_until_asked(1, "subscribe", messages_of(number))
        office.say(number, 1, 2)
    office.change(request(3, 3))
    office.wait_until_asked(1, "subscribe", messages_of(3))
    whole = office.bytes_sent
    office.change(request(4, 4, filler="x" * 100_000))
    office.wait_until_dribbled(whole + 500)

    office.cut()
    office.slow()
    office.wait_until_asked(2, "subscribe", messages_of(4))
    office.change(request(5, 5))
    office.wait_until_asked(2, "subscribe", messages_of(5))
    assert recorder.stop() == 0, recorder.lines

    assert whole > 1500
    missing = lost(sent_entities(office.sent()), archive)
    assert missing.keys() == {1}
    rows = read_rows(archive)
    first = {row["request_id"] for row in rows if row["connection"] == 1 and row["request_id"]}
    assert {request(number, 0)["request_id"] for number in (1, 2, 3)} == first
    assert topic_gaps(rows) == {}
    cut, end = gaps(rows)
    assert cut["until"] is not None
    assert end["why"] == "the recorder was stopped"
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_a_frame_that_takes_longer_than_silence_may_last_is_waited_for(
    office, desk_of, line, archive, read_rows, gaps, sent_entities, lost
):
    """In this process, to be less patient than a recorder."""
    request, _, messages_of = desk_of
    limits = Limits(silence=SECOND // 2, quiet=SECOND // 4)
    one = line(office.url, limits)
    one.hold(lambda: FEED in one.confirmed())
    office.slow(pause=0.001)
    before = office.bytes_sent
    office.change(request(1, 1, filler="x" * 1500))

    one.hold(lambda: messages_of(1) in one.confirmed())
    office.slow()
    one.close()

    assert office.bytes_sent - before > 1500
    assert lost(sent_entities(office.sent()), archive) == {}
    rows = read_rows(archive)
    took = first_snapshots(rows)[messages_of(1)] - first_snapshots(rows)[FEED]
    assert took > timedelta(seconds=1.5)
    (end,) = gaps(rows)
    assert end["why"] == "the test is over"
