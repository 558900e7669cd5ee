"""What facts mean for a recording, and in which words; the server itself is in the live tests."""

from __future__ import annotations

import base64
import json
import os

import pytest

from archiver import check
from archiver.check import Dial, Finding
from archiver.inquiry import Question
from archiver.token import claims, expires_at, user_of

P = "65f0a1b2c3d4e5f601234567"
SECOND = 1_000_000
DAY = 24 * 3600
NOON = 1_795_435_200  # 2026-11-23T12:00:00Z


def jwt(**said):
    coded = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{coded}.c2lnbmF0dXJl"


def answered(answer, took=20_000, topic=f"/{P}/requests"):
    return Question(topic, 0, took, json.dumps(answer).encode(), is_over=True)


def told(findings):
    return [(one.verdict, one.text.partition(": ")[2], one.is_loss) for one in findings]


@pytest.mark.parametrize(
    ("seconds", "verdict", "text"),
    [
        (30 * DAY, "ok", "expires in 30 days, at 2026-12-23T12:00:00Z"),
        (DAY + 60, "ok", "expires in 1 day, at 2026-11-24T12:01:00Z"),
        (7200, "warn", "expires in 2 hours, at 2026-11-23T14:00:00Z; get a new one"),
        (59, "warn", "expires in less than a minute, at 2026-11-23T12:00:59Z; get a new one"),
        (-90, "warn", "expired 1 minute ago, at 2026-11-23T11:58:30Z, yet it was accepted"),
    ],
)
def test_an_expiry_is_told_in_words(seconds, verdict, text):
    found = list(check.about_token(jwt(_id="u1", exp=NOON + seconds), NOON * SECOND))

    assert told(found) == [("ok", "of user u1", False), (verdict, text, False)]


@pytest.mark.parametrize("exp", [None, "soon", True, -1, 1e300, [], 10**30])
def test_an_expiry_that_is_none_is_not_told(exp):
    assert told(check.about_token(jwt(exp=exp), 0))[1][1] == "names no expiry"


@pytest.mark.parametrize("token", ["simulated", "a.b.c", "a.e30.c", "..", "a.W10.c", "a.é.c"])
def test_a_token_that_says_nothing_is_warned_of(token):
    assert claims(token) == {}
    assert user_of(token) is None
    assert expires_at(token) is None
    assert told(check.about_token(token, 0))[0] == (
        "warn",
        "names no user, so his role cannot be asked for",
        False,
    )


def test_a_user_that_cannot_stand_in_a_topic_is_none():
    assert user_of(jwt(_id="u/1")) is None
    assert user_of(jwt(_id=7)) is None


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ({"role": "owner"}, [("ok", False)]),
        ({"role": "admin", "user_available": False}, [("ok", False), ("ok", False)]),
        ({"role": "admin", "user_available": True}, [("ok", False), ("warn", False)]),
        ({"role": "agent"}, [("warn", True)]),
        ({"role": "supervisor", "permissions": []}, [("warn", True)]),
        ({"role": "boss", "permissions": ["request_read_all"]}, [("ok", False)]),
        ({"role": "owner", "permissions": ["lead_read"]}, [("warn", True)]),
        ({}, [("warn", False)]),
    ],
)
def test_a_role_tells_what_will_be_seen(member, found):
    findings = list(check.about_member(P, answered(member)))

    assert [(one.verdict, one.is_loss) for one in findings] == found


def test_a_member_s_address_is_never_told():
    member = {"role": "agent", "user_available": True, "id_user": {"email": "anna@desk.example"}}

    assert "anna" not in "".join(one.line() for one in check.about_member(P, answered(member)))


@pytest.mark.parametrize(
    ("question", "verdict", "text", "is_loss"),
    [
        (answered([{}] * 7), "ok", "7 open chats, answered in 0.020 s", False),
        (answered([]), "ok", "0 open chats, answered in 0.020 s", False),
        (answered(None), "fail", "null, answered in 0.020 s: no such feed", True),
        (
            answered([{}] * 100),
            "warn",
            (
                "100 open chats, answered in 0.020 s; a snapshot holds no more than 100:"
                " others are met when they change"
            ),
            True,
        ),
        (
            Question(f"/{P}/requests", 0, is_over=True),
            "fail",
            "no answer in 15 s: refused; is the user a member, and is the id right?",
            True,
        ),
        (
            Question(f"/{P}/requests", 0),
            "fail",
            "not answered before the connection ended",
            True,
        ),
    ],
)
def test_a_feed_s_answer_is_told(question, verdict, text, is_loss):
    assert told([check.about_feed(question, 15)]) == [(verdict, text, is_loss)]


def test_the_messages_of_a_chat_are_told():
    assert told([check.about_chat(answered([{}] * size), 15) for size in (0, 12, 300)]) == [
        ("ok", "0 messages in 0.020 s", False),
        ("ok", "12 messages in 0.020 s", False),
        ("ok", "300 messages in 0.020 s; a snapshot holds the oldest 300", False),
    ]
    assert check.about_chat(Question("t", 0, is_over=True), 15).is_loss


@pytest.mark.parametrize(
    ("began", "took", "skew"),
    [(0.0, 0.1, 0), (0.99, 0.1, 0), (1.05, 0.2, None), (60, 0.1, 59.55), (-60, 0.1, -60.45)],
)
def test_the_handshake_s_date_tells_the_skew(began, took, skew):
    start = round((NOON + began) * SECOND)
    dial = Dial(start, start + round(took * SECOND), {"date": "Mon, 23 Nov 2026 12:00:00 GMT"})

    found = check.header_skew(dial)

    expected = 650_000 if skew is None else round(skew * SECOND)
    assert found == expected


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": ""}])
def test_no_date_is_no_skew(headers):
    assert check.header_skew(Dial(0, 1, headers)) is None


@pytest.mark.parametrize(
    ("skew", "line"),
    [
        (None, "ok   clock: skew unknown: no Date header, and nothing happened meanwhile"),
        (0, "ok   clock: within 1 s of the server's"),
        (-3_200_000, "ok   clock: within 3 s of the server's"),
        (90 * SECOND, "warn clock: 90 s ahead of the server's; keep it with NTP"),
        (-90 * SECOND, "warn clock: 90 s behind the server's; keep it with NTP"),
    ],
)
def test_a_skew_is_told(skew, line):
    assert check.about_skew(skew).line() == line


def test_a_folder_is_looked_at_and_left_alone(tmp_path):
    archive = tmp_path / "a" / "b"

    found = list(check.folder(archive))

    assert [one.verdict for one in found] == ["ok", "ok"]
    assert found[0].text == f"{archive}: can be made"
    assert not list(tmp_path.iterdir())
    archive.mkdir(parents=True)
    assert next(check.folder(archive)).text == f"{archive}: can be written"
    assert not list(archive.iterdir())


def test_a_folder_that_cannot_be_one_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "archive.json").write_text('{"format": 99}')

    (file,) = check.folder(tmp_path / "file")
    foreign = next(check.folder(tmp_path))

    assert file.is_loss
    assert "format 99" in foreign.text
    assert foreign.is_loss


def test_a_folder_of_others_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere

    assert check.writable(tmp_path, tmp_path) == Finding(
        "fail", f"{tmp_path}: cannot be written by this user", is_loss=True
    )


def test_little_room_is_warned_of(tmp_path):
    assert [check.room(tmp_path, free).verdict for free in (2**20, 2**40)] == ["warn", "ok"]


def test_a_terminal_is_given_no_orders():
    assert Finding("ok", "a\x1b[2J\nb").line() == "ok   a·[2J·b"
