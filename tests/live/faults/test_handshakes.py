"""Handshakes that are refused, or never answered: at the start, and when a connection was lost."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from itertools import pairwise

import pytest

from archiver import receiver
from archiver.receiver import Pace, Post, Receiver
from archiver.recorder import steady_clock
from archiver.recording import Recording, wall_clock
from archiver.token import TokenSource

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"


@pytest.fixture
def settled(office, desk_of):
    """Wait until a connection has received everything so far."""
    request, _, messages_of = desk_of

    def settle(connection, number):
        office.change(request(number, number))
        office.wait_until_asked(connection, "subscribe", messages_of(number))
        office.say(number, 1)
        office.change(request(number + 1, number))
        office.wait_until_asked(connection, "subscribe", messages_of(number + 1))

    return settle


@pytest.fixture
def judged(office, run, archive, read_rows, gaps, sent_entities, lost):
    """Hold two connections with a cut between them against what was sent."""

    def judge():
        assert lost(sent_entities(office.sent()), archive).keys() <= {1}
        cut, end = gaps(read_rows(archive))
        assert cut["why"] == "connection lost"
        assert cut["until"] is not None
        assert end["why"] == "the recorder was stopped"
        assert run("archiver", "verify", "--archive", archive).returncode == 0

    return judge


def in_three_seconds():
    return formatdate(time.time() + 3, usegmt=True)


@pytest.mark.parametrize(
    ("status", "retry_after", "least"),
    [
        (502, None, 0.0),
        (502, in_three_seconds, 1.9),  # dates are whole seconds
        (503, lambda: "2", 2.0),
        (429, lambda: "2", 2.0),
    ],
    ids=["502", "502 with a date", "503 with seconds", "429 with seconds"],
)
def test_a_refusal_that_passes_is_waited_out(
    status, retry_after, least, office, settled, judged, record
):
    office.refuse(status, retry_after)
    recorder = record(office.url)
    settled(1, 1)
    office.cut(meanwhile=lambda: office.refuse(status, retry_after))
    settled(2, 3)
    assert recorder.stop() == 0, recorder.lines

    dials = office.dials(4)
    assert [dial.refused for dial in dials] == [status, None, status, None]
    for before, after in pairwise(dials):
        assert before.refused is None or after.at - before.at >= least
    assert sum(f"HTTP {status}" in line for line in recorder.lines) == 2
    judged()


def test_too_many_connections_without_a_time_is_a_minute(
    office, settled, record, archive, read_rows, gaps, sent_entities, lost
):
    told = "event=not_connected why='too many connections (HTTP 429)' again_in_s=60"
    office.refuse(429)
    early = record(office.url)
    early.wait_for(told)
    asked = time.monotonic()
    assert early.stop() == 0  # it need not wait to its end
    assert time.monotonic() - asked < 10

    recorder = record(office.url)
    settled(1, 1)
    office.cut(meanwhile=lambda: office.refuse(429))
    recorder.wait_for(told)
    assert recorder.stop() == 0

    assert [dial.refused for dial in office.dials(3)] == [429, None, 429]
    assert lost(sent_entities(office.sent()), archive).keys() <= {1}
    (cut,) = gaps(read_rows(archive))
    assert (cut["why"], cut["until"]) == ("connection lost", None)


def test_a_handshake_that_is_never_answered_is_given_up_and_tried_again(
    office, settled, judged, record
):
    office.shut()
    recorder = record(office.url)
    recorder.wait_for("no answer to the handshake in 10 s")
    office.open()
    settled(1, 1)

    office.shut()
    office.hang_up()
    recorder.wait_for("no answer to the handshake in 10 s", 2)
    office.open()
    settled(2, 3)
    assert recorder.stop() == 0, recorder.lines

    first, *_, last = office.dials(4)
    assert last.at - first.at > 20
    judged()


@pytest.mark.parametrize("status", [302, 400, 404])
def test_an_address_that_was_right_once_is_not_given_up(status, office, settled, judged, record):
    recorder = record(office.url)
    settled(1, 1)
    office.cut(meanwhile=lambda: office.refuse(status))
    settled(2, 3)
    assert recorder.stop() == 0, recorder.lines

    assert [dial.refused for dial in office.dials(3)] == [None, status, None]
    judged()


def test_a_token_replaced_while_connected_is_the_next_connection_s(
    office, settled, judged, record, tmp_path
):
    path = tmp_path / "token"
    path.write_text("simulated")
    recorder = record(office.url, "--token-file", str(path))
    settled(1, 1)
    path.write_text("JWT another\n")
    office.accept("another")
    office.cut()
    settled(2, 3)
    assert recorder.stop() == 0, recorder.lines

    assert [(dial.token, dial.refused) for dial in office.dials(2)] == [
        ("simulated", None),
        ("another", None),
    ]
    assert not [line for line in recorder.lines if "refused" in line]
    judged()


def test_a_good_token_that_was_refused_is_tried_again(
    office, desk_of, archive, tmp_path, monkeypatch
):
    """A server without its database says 401 to everybody; nobody will touch the file then."""
    monkeypatch.setattr(receiver, "REFUSED_AGAIN", 1.0)
    path = tmp_path / "token"
    path.write_text("simulated")
    office.refuse(401)
    recording = Recording(archive, "main", [PROJECT], wall_clock, steady_clock)
    stop = threading.Event()
    one = Receiver(Post(office.url, TokenSource(path), (PROJECT,)), Pace(0), stop)
    one.start(recording)

    office.wait_until_asked(1, "subscribe", FEED)
    stop.set()
    one.join(10)
    recording.close(wall_clock())

    assert one.failure is None
    first, second = office.dials(2)
    assert (first.refused, second.refused) == (401, None)
    assert second.at - first.at >= 1
