"""Answers that do not tell all: snapshots with a cap, and subscriptions that are never answered."""

from __future__ import annotations

import json

from archiver.protocol import SECOND, Limits

BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"


def own(rows, name):
    """Return the facts of the recorder's own rows of a name."""
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
    return [fact for fact in facts if fact["control"] == name]


def topic_gaps(rows):
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "gap"]
    return [fact for fact in facts if "topic" in fact]


def test_chats_beyond_the_cap_of_the_snapshot_are_followed_when_they_speak(
    office, desk_of, record, run, archive, read_rows, sent_entities, lost
):
    request, _, messages_of = desk_of
    office.change(*(request(number, number) for number in range(1, 116)))
    recorder = record(office.url)
    for number in range(16, 116):
        office.wait_until_asked(1, "subscribe", messages_of(number))
    assert ("subscribe", messages_of(15)) not in office.asked(1)

    for number in range(1, 16):
        office.change(request(number, 200 + number))
        office.wait_until_asked(1, "subscribe", messages_of(number))
        office.say(number, 1)

    office.cut(meanwhile=lambda: office.change(request(15, 300, status=1000)))
    for number in (16, 29):  # not in this snapshot, but open: asked for once, and followed
        office.wait_until_asked(2, "subscribe", f"{FEED}/{request(number, 0)['request_id']}")
        office.wait_until_asked(2, "subscribe", messages_of(number))
        office.say(number, 2)
    office.wait_until_asked(2, "unsubscribe", f"{FEED}/{request(15, 0)['request_id']}")
    office.change(request(999, 400))
    office.wait_until_asked(2, "subscribe", messages_of(999))
    assert recorder.stop() == 0, recorder.lines

    assert lost(sent_entities(office.sent()), archive).keys() <= {1}
    rows = read_rows(archive)
    truncated = own(rows, "truncated")
    assert {(fact["topic"], fact["size"]) for fact in truncated} == {(FEED, 100)}
    assert len(truncated) >= 2
    assert topic_gaps(rows) == []
    said = {row["payload"] for row in rows if row["kind"] == "message" and row["entity_id"]}
    assert len(said) == 15 + 2
    (closed,) = [row for row in rows if row["source"] == "repair" and row["status"] == 1000]
    assert closed["request_id"] == request(15, 0)["request_id"]
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_a_long_chat_says_what_its_snapshot_leaves_out(
    office, desk_of, record, run, archive, read_rows, gaps, sent_entities, lost
):
    request, _, messages_of = desk_of
    office.say(1, *range(1, 321))
    office.say(2, *range(1, 100))
    office.change(request(1, 0), request(2, 0))
    recorder = record(office.url)
    office.wait_until_asked(1, "subscribe", messages_of(1))
    office.say(1, 321)
    office.change(request(3, 10))
    office.wait_until_asked(1, "subscribe", messages_of(3))

    office.cut(meanwhile=lambda: office.say(1, 322, 323))
    office.wait_until_asked(2, "subscribe", messages_of(1))
    office.say(1, 324)
    office.change(request(4, 11))
    office.wait_until_asked(2, "subscribe", messages_of(4))
    assert recorder.stop() == 0, recorder.lines

    assert lost(sent_entities(office.sent()), archive).keys() <= {1}
    rows = read_rows(archive)
    assert {(fact["topic"], fact["size"]) for fact in own(rows, "truncated")} == {
        (messages_of(1), 300)
    }
    texts = [
        json.loads(row["payload"])["text"]
        for row in rows
        if row["kind"] == "message" and row["topic"] == messages_of(1)
    ]
    assert set(texts) == {f"number {number}" for number in [*range(1, 301), 321, 324]}
    (gap,) = topic_gaps(rows)
    cut, _ = gaps(rows)
    assert gap["topic"] == messages_of(1)
    assert gap["why"] == "the snapshot holds the oldest 300 messages only"
    assert gap["since"] == cut["since"]
    assert cut["until"] <= gap["until"]
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_topics_that_are_never_answered_are_gaps_of_their_own(
    serve, line, run, archive, read_rows, gaps, sent_entities, lost
):
    """In this process, to be less patient than a recorder: three times 15 s are too long here."""
    server = serve(*BUSY, "--refuse", "[0-7]/messages$")
    one = line(server.url, Limits(answer=SECOND // 4, again=SECOND))

    one.hold(lambda: len(one.refused()) >= 5)
    size = server.log.stat().st_size
    one.hold(lambda: server.log.stat().st_size > size + 200_000)
    one.close()
    assert server.stop() == 0

    lost(sent_entities(server.sent()), archive)
    rows = read_rows(archive)
    silent = {gap["topic"] for gap in topic_gaps(rows)}
    assert len(silent) >= 5
    assert {gap["why"] for gap in topic_gaps(rows)} == {"refused"}
    assert silent == {fact["topic"] for fact in own(rows, "refused")}
    answered = {row["topic"] for row in rows if row["kind"] == "message"}
    assert answered
    assert not answered & silent
    assert all(topic[-10] in "01234567" for topic in silent)
    (end,) = gaps(rows)
    assert end["why"] == "the test is over"
    assert run("archiver", "verify", "--archive", archive).returncode == 0
