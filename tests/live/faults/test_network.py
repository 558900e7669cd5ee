"""Servers that fall silent, change their mind, or carry what others say."""

from __future__ import annotations

import json
import signal
import time
from urllib.parse import urlsplit

import pytest
import websocket

BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"


def test_a_socket_that_is_dead_without_an_end_is_found_and_left(
    serve, record, run, archive, read_rows, gaps, sent_entities, lost
):
    server = serve(*BUSY)
    recorder = record(server.url)
    recorder.wait_for("event=connected")
    server.wait_until_sent(150_000)

    server.popen.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    recorder.wait_for("event=disconnected")
    noticed = time.monotonic() - stopped
    server.popen.send_signal(signal.SIGCONT)
    recorder.wait_for("event=connected", 2)
    server.wait_until_sent(server.log.stat().st_size + 200_000)
    assert recorder.stop() == 0, recorder.lines
    assert server.stop() == 0

    assert 25 < noticed < 45
    missing = lost(sent_entities(server.sent()), archive)
    assert missing.keys() <= {1}
    silence, end = gaps(read_rows(archive))
    assert silence["why"] == "nothing received, not even a heartbeat"
    assert end["until"] is None
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def restart(serve, server, token):
    """Let the server come back at its place, with another idea of who may come."""
    port = urlsplit(server.url).port
    assert server.stop() == 0
    return serve(*BUSY, "--port", str(port), "--token", token)


def both(first, second):
    """Return what two servers sent, as one that went on counting its connections."""
    before = first.sent()
    return before | {len(before) + number: sent for number, sent in second.sent().items()}


def test_a_token_refused_in_mid_life_is_waited_for_where_a_file_may_change(
    serve, record, run, archive, tmp_path, sent_entities, lost, read_rows, gaps
):
    path = tmp_path / "token"
    path.write_text("simulated")
    first = serve(*BUSY)
    recorder = record(first.url, "--token-file", str(path))
    recorder.wait_for("event=connected")
    first.wait_until_sent(120_000)

    second = restart(serve, first, "another")
    recorder.wait_for("event=waiting")
    assert second.sent() == {}
    path.write_text("another")
    recorder.wait_for("event=connected", 2)
    second.wait_until_sent(120_000)
    assert recorder.stop() == 0, recorder.lines
    assert second.stop() == 0

    lost(sent_entities(both(first, second)), archive)
    rows = read_rows(archive)
    assert {row["connection"] for row in rows if row["kind"] == "request"} == {1, 2}
    cut, end = gaps(rows)
    assert cut["until"] is not None
    assert end["until"] is None
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_a_token_refused_in_mid_life_ends_it_where_none_can_come(
    serve, record, run, archive, sent_entities, lost, read_rows, gaps
):
    first = serve(*BUSY)
    recorder = record(first.url)
    recorder.wait_for("event=connected")
    first.wait_until_sent(120_000)

    second = restart(serve, first, "another")

    assert recorder.popen.wait(30) == 1
    recorder.wait_for("Error: ")
    assert recorder.lines[-1] == (
        f"Error: {first.url}: the server refuses the token (HTTP 401);"
        " get a new one from POST /auth/signin and put it where the old one was\n"
    )
    assert second.sent() == {}
    assert not list(archive.rglob("*.segment"))
    lost(sent_entities(first.sent()), archive)
    (end,) = gaps(read_rows(archive))
    assert end["until"] is None
    assert run("archiver", "verify", "--archive", archive).returncode == 0


@pytest.fixture
def stranger(office):
    """Another client of the server, who publishes where he has no business."""
    client = websocket.WebSocket()
    client.connect(f"{office.url}?token=simulated")
    yield lambda topic, message: client.send(
        json.dumps(
            {
                "action": "publish",
                "payload": {"topic": topic, "method": "UPDATE", "message": message},
            }
        )
    )
    client.close()


def test_what_others_publish_is_kept_as_theirs_and_not_acted_on(
    office, desk_of, stranger, record, run, archive, read_rows, sent_entities, lost
):
    request, message, messages_of = desk_of
    office.change(request(1, 0))
    recorder = record(office.url)
    office.wait_until_asked(2, "subscribe", messages_of(1))

    stranger(FEED, request(1, 9, status=1000, closed_at="2026-11-23T10:00:00.000Z"))
    stranger(FEED, request(2, 9))
    stranger(FEED, [])
    stranger(messages_of(1), message(1, 66))
    office.change(request(3, 10))
    office.wait_until_asked(2, "subscribe", messages_of(3))
    office.say(1, 1)
    office.change(request(4, 11))
    office.wait_until_asked(2, "subscribe", messages_of(4))
    assert recorder.stop() == 0, recorder.lines

    sent = sent_entities(office.sent())
    assert lost({1: sent[2]}, archive) == {}
    rows = read_rows(archive)
    theirs = [row for row in rows if row["kind"] == "untrusted"]
    assert len(theirs) == 4
    assert all(row["method"] is None and row["status"] is None for row in theirs)
    assert ("subscribe", messages_of(2)) not in office.asked(2)
    assert {row["request_id"] for row in rows if row["kind"] == "request" and row["status"]} == {
        request(number, 0)["request_id"] for number in (1, 3, 4)
    }
    (said,) = [row for row in rows if row["kind"] == "message" and row["entity_id"]]
    assert json.loads(said["payload"])["text"] == "number 1"
    assert run("archiver", "verify", "--archive", archive).returncode == 0
