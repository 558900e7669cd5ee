"""The simulated week is no quiet one: what the metrics tell apart happens in it, often enough."""

from __future__ import annotations

import json
from datetime import date

import pytest
from deskoracle.catalogue import ORACLES
from deskoracle.waits import MINUTE, handovers, moves, replies, wait_of

FIRST, AFTER = date(2025, 10, 22), date(2025, 10, 29)
HOUR = 60 * MINUTE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(week):
    return week.window(FIRST, AFTER)


@pytest.fixture(scope="module")
def sessions(week, asked):
    """Return the sessions that began in the week."""
    return [one for one in week.book.sessions if asked.whole.has(one.opened)]


@pytest.fixture(scope="module")
def facts(week):
    """Return the truth's own lines, those among them that no recorder can know."""
    return [json.loads(line) for line in week.truth.read_text("utf-8").splitlines()]


def has_silent_agent(session):
    writers = {message.sender for message in session.talk}
    return any(one.what not in writers for one in session.assignments)


def is_added_again(session):
    return any(
        one.what == again.what and one.until and 0 < again.since - one.until < MINUTE
        for one in session.assignments
        for again in session.assignments
    )


def has_two_at_once(session):
    return any(
        one.since < other.since and (one.until is None or one.until > other.since)
        for one in session.assignments
        for other in session.assignments
    )


def is_rated_on_another_day(session, days):
    if session.chat.rating is None or session.closed is None:
        return False
    return [day.has(session.closed) for day in days] != [
        day.has(session.chat.rating[0]) for day in days
    ]


def spans_midnight(session, days):
    return any(session.opened < day.until <= (session.closed or 0) for day in days)


BEHAVIOURS = {
    "reopened": lambda one: one.number == 2,
    "with a bot only": lambda one: wait_of(one).requested is None,
    "handed from a bot to an agent": lambda one: one.bots and one.assignments,
    "never in a bot's hands": lambda one: not one.bots,
    "opened by an agent": lambda one: wait_of(one).is_proactive,
    "transferred": lambda one: any(True for _ in handovers(one)),
    "transferred at a stroke": lambda one: any(
        move.at == heir.since for move in handovers(one) for heir in one.assignments
    ),
    "with a helper who joined": has_two_at_once,
    "moved to another department": lambda one: list(moves(one, wait_of(one).requested)),
    "got by an agent who never wrote": has_silent_agent,
    "got again within a minute": is_added_again,
    "left in the queue": lambda one: wait_of(one).counts and one.closed and not one.assignments,
    "closed unanswered in an agent's hands": lambda one: (
        one.closed and one.assignments and wait_of(one).answered is None
    ),
    "answered again and again": lambda one: len(list(replies(one))) > 5,
    "with a private note": lambda one: any(
        message.role == "agent" and not message.is_counted for message in one.messages
    ),
    "thanked for after the close": lambda one: any(
        one.closed and message.at > one.closed and message.role == "visitor"
        for message in one.messages
    ),
    "closed by an agent": lambda one: any(one.closed_by == got.what for got in one.assignments),
    "closed by the visitor": lambda one: one.closed_by == one.chat.lead,
    "closed by a bot": lambda one: (one.closed_by or "").startswith("bot_"),
    "closed for idleness": lambda one: one.closed_by == "_bot_unresponsive",
    "closed by a rule": lambda one: one.closed_by == "_trigger",
    "abandoned by every agent": lambda one: any(s.what == 150 for s in one.chat.statuses),
    "on an async channel": lambda one: not one.chat.is_live and not one.chat.is_offline,
    "on an offline channel": lambda one: one.chat.is_offline,
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_some_chats_are(sessions, name):
    assert sum(bool(BEHAVIOURS[name](session)) for session in sessions) >= 3


@pytest.mark.parametrize("happens", [is_rated_on_another_day, spans_midnight])
def test_some_chats_take_more_than_a_day(sessions, asked, happens):
    assert sum(happens(session, asked.days) for session in sessions) >= 5


def test_some_things_are_kept_from_a_recorder(week, facts):
    """Without them, the oracle's rules of what can be known would be idle."""
    published = {
        one["request_id"] for one in facts if one["kind"] == "chat" and one["published_at"]
    }
    known = {m.id for session in week.book.sessions for m in session.messages}
    said = [one for one in facts if one["kind"] == "message"]
    late = [one for one in said if one["request_id"] in week.book.chats and one["id"] not in known]

    assert {one["request_id"] for one in said} - published, "chats that stay in preflight"
    assert week.book.drafts
    assert {one["role"] for one in late} == {"visitor"}, "words after a close"


def test_the_week_has_a_day_of_25_hours(asked):
    assert [(day.until - day.since) // HOUR for day in asked.days] == [24, 24, 24, 24, 25, 24, 24]


@pytest.mark.parametrize("name", ORACLES)
def test_every_column_of_a_metric_says_something(week, asked, name):
    """On this desk nobody sets a chat aside, and every close is told: those counts stay at zero.

    So do chats that nobody wants at a midnight, which are few, and what still waits a week later.
    """
    rows = list(ORACLES[name](week.book, asked))

    told = {column for row in rows for column, value in row.items() if value}
    idle = {"pending_count", "untold_count", "abandoned_count", "waiting_count"}
    assert set(rows[0]) - told <= idle
    assert all(
        value is not None for row in rows[-1:] for key, value in row.items() if key != "date"
    )
