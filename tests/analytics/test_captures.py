"""Holds the answers against what a real server's own analytics and log of activities say."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import analytics
from analytics import metrics

CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "forty_chats"
DAY = date(2026, 11, 23)
CUT = "support-group-6b0482710586eb286f450689-0892abc0ee2bdaaf975c9c36506b638e"
"""The chat that was closed while the recording client was not connected."""


def lines(name):
    with gzip.open(CAPTURE / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=None)


@pytest.fixture(scope="module")
def opened(forty_chats):
    with analytics.open(forty_chats, date=DAY).archive as one:
        yield one


@pytest.fixture(scope="module")
def truth():
    return lines("truth.jsonl.gz")


def test_tiledesk_compatible_is_what_tiledesk_says_but_for_the_cut(opened):
    (figures,) = metrics.run(opened, "tiledesk_compatible").records()

    assert figures == {
        "requests_count": 38,
        "waiting_time_avg_ms": pytest.approx(7992.361111111111, rel=1e-12),
        "duration_avg_ms": pytest.approx(38250.5, rel=1e-12),
        "satisfaction_avg": 3.0,
        "messages_count": 355,
    }


def test_every_close_is_at_the_server_s_time_and_by_whom_it_was(opened, truth):
    told = opened.query(
        "select conversation_id, closed_at, closed_by from sessions where closed_at is not null"
    )

    true = {
        (one["request_id"], moment(one["closed_at"]), one["by"])
        for one in truth
        if one["kind"] == "close"
    }
    missed = true - set(told.rows)
    assert len(told.rows) == 41
    assert set(told.rows) < true
    assert {one[0] for one in missed} == {CUT}


def test_every_reopening_begins_a_session(opened, truth):
    told = opened.query(
        "select conversation_id, opened_at from sessions where session_no > 1 and opened_seen"
    )

    true = [
        (one["request_id"], moment(one["updatedAt"])) for one in truth if one["kind"] == "reopen"
    ]
    assert len(true) == 6
    assert sorted(told.rows) == sorted(true)


def test_transfers_are_those_that_were_made(opened, truth):
    told = opened.query("select conversation_id, from_id, to_id from handovers")

    swaps = [one for one in truth if one["kind"] == "transfer.set"]
    leaves = [one for one in truth if one["kind"] == "transfer.leave"]
    joins = {one["request_id"]: one["to"] for one in truth if one["kind"] == "transfer.join"}
    true = [(one["request_id"], one["from"], one["to"]) for one in swaps]
    true += [(one["request_id"], one["from"], joins[one["request_id"]]) for one in leaves]
    assert len(true) == 7
    assert sorted(told.rows) == sorted(true)


def test_availability_changes_are_those_of_the_server_s_log(opened):
    told = opened.query("select agent_id, is_available, started_at, ended_at from agent_status")

    switched = Counter(
        (one["target"]["object"]["id_user"]["_id"], one["target"]["object"]["user_available"])
        for one in lines("server_activities.jsonl.gz")
        if one["verb"] == "PROJECT_USER_AVAILABILITY_SELF"
    )
    found = Counter((row[0], row[1]) for row in told.rows)
    assert sum(switched.values()) == 16
    assert set(switched) <= set(found)


def test_every_agent_has_a_name(opened):
    told = opened.query("select agent_name from agents order by agent_name asc nulls last")

    assert [row[0] for row in told.rows] == [
        "Anna Agenti",
        "Bruno Bianchi",
        "Carla Conti",
        "Olivia Owner",
    ]


def test_the_day_is_over_and_nobody_vouched_for_it(opened):
    """These frames came without a recorder's own rows: nothing proves that nothing is missing."""
    assert opened.window.start == datetime(2026, 11, 23, tzinfo=UTC).replace(tzinfo=None)
    assert len(opened.query("select * from uncovered").rows) == 1
