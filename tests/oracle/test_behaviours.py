"""The simulated month is no dull one: what the metrics tell apart happens in it, often enough."""

from __future__ import annotations

import json
from datetime import date

import pytest
from deskoracle.catalogue import ORACLES
from deskoracle.counts import joins
from deskoracle.endings import WEEK, is_reopened
from deskoracle.waits import MINUTE, handovers, moves, replies, wait_of
from deskoracle.window import HOUR

FIRST, AFTER = date(2025, 10, 10), date(2025, 11, 10)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(month, ask):
    return ask(month, FIRST, AFTER).window


@pytest.fixture(scope="module")
def sessions(month, asked):
    """Return the sessions that began in the month."""
    return [one for one in month.book.sessions if asked.whole.has(one.opened)]


@pytest.fixture(scope="module")
def facts(month):
    """Return the truth's own lines, those among them that no recorder can know."""
    return [json.loads(line) for line in month.truth.read_text("utf-8").splitlines()]


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
    "with two agents at once": has_two_at_once,
    "with a helper who joined": lambda one: list(joins(one)),
    "handed on by a command": lambda one: any(m.is_command for m in one.messages),
    "tagged": lambda one: one.chat.tags,
    "set aside": lambda one: any(one.opened < p.since < one.closed for p in one.chat.pending),
    "opened again in a week": lambda one: one.closed and is_reopened(one),
    "opened again, but later": lambda one: one.next and one.next.opened - one.closed > WEEK,
    "left within seconds": lambda one: (
        wait_of(one).counts and wait_of(one).left and wait_of(one).left - one.opened < 15_000
    ),
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


def test_some_things_are_kept_from_a_recorder(month, facts):
    """Without them, the oracle's rules of what can be known would be idle."""
    published = {
        one["request_id"] for one in facts if one["kind"] == "chat" and one["published_at"]
    }
    known = {m.id for session in month.book.sessions for m in session.messages}
    said = [one for one in facts if one["kind"] == "message"]
    late = [one for one in said if one["request_id"] in month.book.chats and one["id"] not in known]

    assert {one["request_id"] for one in said} - published, "chats that stay in preflight"
    assert month.book.drafts
    assert {one["role"] for one in late} == {"visitor"}, "words after a close"


def test_the_month_has_a_day_of_25_hours(asked):
    hours = [(day.until - day.since) // HOUR for day in asked.days]

    assert len(hours) == 31
    assert sorted(hours) == [24] * 30 + [25]


def test_some_visitors_come_again(sessions):
    visitors = {one.chat.id: one.chat.lead for one in sessions}

    assert len(set(visitors.values())) + 50 < len(visitors)


def test_agents_change_in_every_way(month, asked):
    def changes(by_agent):
        return sum(asked.whole.has(one.since) for told in by_agent.values() for one in told)

    book = month.book
    assert changes(book.availability) > 500
    assert changes(book.presence) > 500
    assert changes(book.limits) > 10
    assert {-1, None} < {one.what for told in book.limits.values() for one in told}


NEVER = {
    "chats_closed": {"untold_count"},
    "queue_time": {"waiting_count"},
    "service_level": {"overdue_count"},
    "abandonment": {"idle_count"},
    "backlog_at_midnight": {"abandoned_count"},
    "tiledesk_differences": {"open_again_count"},
}
"""What stays at zero: every close is told, and nothing of the month still waits at its end."""


@pytest.mark.parametrize("name", ORACLES)
def test_every_column_of_a_metric_says_something(month, asked, name):
    rows = list(ORACLES[name](month.book, asked))
    figures = {column for column in rows[0] if column != "date" and "_bh_" not in column}
    told = {column: sum(bool(row[column]) for row in rows) for column in figures}

    silent = {column for column, count in told.items() if not count}
    assert silent - {"uncertain_count"} <= NEVER.get(name, set())
