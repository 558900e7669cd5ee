"""How projects are spread and dials are paced, and what is said of a token while time goes by.

What connections live through is tested live.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time

import pytest

from archiver.errors import ArchiverError
from archiver.receiver import Pace, Post, Receiver, spread
from archiver.token import TokenSource

NOW = 1_795_435_200.0
HOUR = 3600.0


def jwt(**facts):
    coded = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{coded}.c2lnbmF0dXJl"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "token"


@pytest.fixture
def look(file, caplog):
    """Have a receiver look at its token's file; return what it says, and when the token ends."""
    caplog.set_level(logging.INFO)
    post = Post("ws://127.0.0.1:9/", TokenSource(file), ("one", "two"))
    receiver = Receiver(post, Pace(), threading.Event())

    def at(now):
        caplog.clear()
        receiver.look_at_token(now)
        return caplog.messages, receiver.token_expires_at

    return at


def test_a_token_near_its_end_is_told_once_until_it_is_renewed(file, look):
    file.write_text(jwt(exp=NOW + 25 * HOUR))
    assert look(NOW) == ([], NOW + 25 * HOUR)
    told = ["token_expires in_h=23.5 projects=one,two"]
    assert look(NOW + 1.5 * HOUR) == (told, NOW + 25 * HOUR)
    assert look(NOW + 2 * HOUR) == ([], NOW + 25 * HOUR)

    file.write_text(jwt(exp=NOW + 300 * HOUR))

    assert look(NOW + 3 * HOUR) == (["token_renewed projects=one,two"], NOW + 300 * HOUR)
    assert look(NOW + 4 * HOUR) == ([], NOW + 300 * HOUR)


def test_another_token_near_its_end_is_told_of_itself(file, look):
    file.write_text(jwt(exp=NOW + 2 * HOUR))
    assert look(NOW)[0] == ["token_expires in_h=2.0 projects=one,two"]

    file.write_text(jwt(exp=NOW + 5 * HOUR))

    assert look(NOW)[0] == ["token_expires in_h=5.0 projects=one,two"]


def test_one_that_never_ends_renews_one_that_did(file, look):
    file.write_text(jwt(exp=NOW - HOUR))
    assert look(NOW) == (["token_expires in_h=0.0 projects=one,two"], NOW - HOUR)

    file.write_text(jwt(_id="anna"))

    assert look(NOW) == (["token_renewed projects=one,two"], None)


def test_a_file_that_cannot_be_read_is_no_news(file, look):
    file.write_text(jwt(exp=NOW + 2 * HOUR))
    assert look(NOW)[0]
    file.unlink()
    assert look(NOW) == ([], NOW + 2 * HOUR)
    file.write_text(jwt(exp=NOW + 2 * HOUR))
    assert look(NOW) == ([], NOW + 2 * HOUR)


def post(*projects):
    return Post("ws://127.0.0.1:9/", TokenSource(), projects)


@pytest.mark.parametrize(
    ("connections", "shares"),
    [
        (None, ["abcd", "e", "fg"]),
        (3, ["abcd", "e", "fg"]),
        (4, ["ac", "bd", "e", "fg"]),
        (5, ["ad", "b", "c", "e", "fg"]),
        (6, ["ad", "b", "c", "e", "f", "g"]),
        (100, ["a", "b", "c", "d", "e", "f", "g"]),
    ],
)
def test_projects_are_spread_where_most_share_a_connection(connections, shares):
    parts = spread([post(*"abcd"), post("e"), post(*"fg")], connections)

    assert ["".join(part.projects) for part in parts] == shares


def test_every_token_needs_a_connection():
    with pytest.raises(ArchiverError) as error:
        spread([post("a"), post("b")], 1)

    assert str(error.value) == (
        "--max-connections 1: 2 tokens need as many connections;"
        " allow more, or record fewer projects"
    )


def test_those_who_dial_together_go_one_after_the_other():
    pace, stop = Pace(0.1), threading.Event()
    turns = []

    def dial():
        pace.wait(stop)
        turns.append(time.monotonic())

    crowd = [threading.Thread(target=dial) for _ in range(6)]
    begun = time.monotonic()
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()

    # A busy machine wakes one late, and then the next is close behind; nobody is early.
    assert all(at - begun > 0.099 * before for before, at in enumerate(sorted(turns)))


def test_who_waits_for_his_turn_need_not_wait_to_stop():
    pace, stop = Pace(60), threading.Event()
    pace.wait(stop)
    stop.set()
    began = time.monotonic()

    pace.wait(stop)

    assert time.monotonic() - began < 5
