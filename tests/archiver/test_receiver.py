"""What a receiver says of its token while time goes by; its connections are tested live."""

from __future__ import annotations

import base64
import json
import logging
import threading

import pytest

from archiver.receiver import Pace, Post, Receiver
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
