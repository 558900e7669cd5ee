"""Holds the views against what happened on a simulated desk, told independently of frames."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

import analytics
from analytics import metrics
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR


def moment(text):
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


@pytest.fixture(scope="module")
def opened(desk):
    since, until = date(2026, 3, 2), date(2026, 3, 5)
    with analytics.open(desk.root, since=since, until=until).archive as one:
        yield one


@pytest.fixture(scope="module")
def counted(desk):
    """Chats that became visible and are no drafts."""
    return {
        chat["request_id"]
        for chat in desk.truth["chat"]
        if chat["published_at"] and not chat["draft"]
    }


def test_sessions_open_and_close_when_they_did_and_by_whom(desk, opened, counted):
    told = opened.query(
        "select conversation_id, session_no, opened_at, closed_at, closed_by from sessions"
    )

    true = [
        (
            one["request_id"],
            one["n"],
            moment(one["opened_at"]),
            moment(one["closed_at"]),
            one["closed_by"],
        )
        for one in desk.truth["session"]
        if one["request_id"] in counted
    ]
    assert any(one[1] > 1 for one in true)
    assert sorted(told.rows, key=str) == sorted(true, key=str)


def test_messages_have_their_sender_and_session(desk, opened, counted):
    told = opened.query(
        "select message_id, conversation_id, session_no, sender_id, sender_role, sent_at"
        " from messages"
    )

    true = [
        (
            one["id"],
            one["request_id"],
            one["session"],
            one["sender"],
            one["role"],
            moment(one["created_at"]),
        )
        for one in desk.truth["message"]
        if one["request_id"] in counted
    ]
    assert len(true) > 1000
    assert sorted(told.rows, key=str) == sorted(true, key=str)


def test_assignments_begin_and_end_as_they_did(desk, opened, counted):
    """The truth ends one at the frame that shows the close, we at the close itself."""
    told = opened.query(
        "select conversation_id, session_no, agent_id, started_at,"
        " case when end_reason <> 'close' then ended_at end as ended_at,"
        " end_reason = 'close' as is_close from assignments"
    )

    true = [
        (
            one["request_id"],
            one["session"],
            one["agent_id"],
            moment(one["since"]),
            None if one["end_reason"] == "close" else moment(one["until"]),
            None if one["end_reason"] is None else one["end_reason"] == "close",
        )
        for one in desk.truth["assignment"]
        if one["request_id"] in counted
    ]
    assert len(true) > 50
    assert sorted(told.rows, key=str) == sorted(true, key=str)


def test_transfers_are_those_to_another_agent(desk, opened, counted):
    """A leave with a quick successor is one too; to be routed back to the same agent is none."""
    told = opened.query("select conversation_id, agent_id, ended_at, end_reason from assignments")
    ends = {row[:3]: row[3] for row in told.rows}
    stretches = [one for one in desk.truth["assignment"] if one["request_id"] in counted]

    def is_taken_over(left):
        return any(
            heir["request_id"] == left["request_id"]
            and heir["session"] == left["session"]
            and heir["agent_id"] != left["agent_id"]
            and moment(heir["since"]) > moment(left["since"])
            and (moment(heir["since"]) - moment(left["until"])).total_seconds() < 60
            and (heir["until"] is None or heir["until"] > left["until"])
            for heir in stretches
        )

    ended = [one for one in stretches if one["end_reason"] in ("transfer", "left")]
    assert any(one["end_reason"] == "transfer" for one in ended)
    for one in ended:
        key = (one["request_id"], one["agent_id"], moment(one["until"]))
        assert ends[key] == ("transfer" if is_taken_over(one) else "leave")


def test_statuses_ratings_and_bots_are_as_they_were(desk, opened, counted):
    def of_counted(kind, *keys):
        return sorted(
            tuple(moment(one[key]) if key in ("since", "at") else one[key] for key in keys)
            for one in desk.truth[kind]
            if one["request_id"] in counted and one.get("status") not in (50, 1000)
        )

    def told(sql):
        return sorted(opened.query(sql).rows)

    status_changes = """
        select conversation_id, status, started_at from status_intervals as changed
        where not exists (
            select * from status_intervals as before
            where before.conversation_id = changed.conversation_id
            and before.status = changed.status and before.ended_at = changed.started_at
        )
    """
    assert told(status_changes) == of_counted("status", "request_id", "status", "since")
    assert set(told("select conversation_id from status_intervals where is_pending")) == {
        (one["request_id"],)
        for one in desk.truth["working_status"]
        if one["request_id"] in counted and one["working_status"] == "pending"
    }
    assert told("select conversation_id, rating, rated_at from ratings") == of_counted(
        "rating", "request_id", "rating", "at"
    )
    assert told("select conversation_id, bot_id, started_at from bot_stretches") == of_counted(
        "bot", "request_id", "bot_id", "since"
    )


def test_agents_were_available_when_they_were(desk, opened):
    """The first state known began, for all a recorder knows, with the agent's last change.

    Limits change, too: what is one state here is several rows then.
    """
    told = opened.query(
        "select agent_id, is_available, profile_status, min(started_at),"
        " case when count(ended_at) = count(*) then max(ended_at) end"
        " from (select *, row_number() over (partition by agent_id order by started_at)"
        " - row_number() over (partition by agent_id, is_available, profile_status"
        " order by started_at) as run from agent_status)"
        " group by agent_id, is_available, profile_status, run"
    )

    true = [
        (
            one["agent_id"],
            one["available"],
            one["profile_status"],
            moment(one["since"]),
            moment(one["until"]),
        )
        for one in desk.truth["availability"]
    ]
    seen = set(told.rows)
    assert len(seen) > 20
    first = {one[0]: min(row[3] for row in seen if row[0] == one[0]) for one in seen}
    later = {
        (*one[:3], max(one[3], first[one[0]]), one[4])
        for one in true
        if one[0] in first and (one[4] is None or one[4] > first[one[0]])
    }
    assert seen == later


def test_tiledesk_s_own_figures_are_those_of_its_database(desk, opened):
    """Of a draft only its creation is ever published: what became of it nobody can know."""
    shown = {one["request_id"] for one in desk.truth["chat"] if one["published_at"]}
    documents = [one for one in desk.truth["document"] if one["request_id"] in shown]
    known = [one for one in documents if not one["draft"]]
    assert known != documents

    (figures,) = metrics.run(opened, "tiledesk_compatible").records()

    assert figures["requests_count"] == len(documents)
    for column, key in (("waiting_time_avg_ms", "waiting_time"), ("satisfaction_avg", "rating")):
        values = [one[key] for one in known if one[key] is not None]
        assert figures[column] == pytest.approx(sum(values) / len(values), rel=1e-9)
    lasted = [
        (moment(one["closed_at"]) - moment(one["created_at"])).total_seconds() * 1000
        for one in known
        if one["closed_at"]
    ]
    assert figures["duration_avg_ms"] == pytest.approx(sum(lasted) / len(lasted), rel=1e-9)


def test_arrivals_and_closes_of_each_local_day_are_those_of_the_desk(desk, counted):
    place = ZoneInfo("Europe/Rome")
    since, until = date(2026, 3, 2), date(2026, 3, 5)

    def days(key):
        moments = [one[key] for one in desk.truth["session"] if one["request_id"] in counted]
        return Counter(datetime.fromisoformat(at).astimezone(place).date() for at in moments if at)

    with analytics.open(desk.root, since=since, until=until, tz="Europe/Rome").archive as opened:
        for name, key in (("chats_offered", "opened_at"), ("chats_closed", "closed_at")):
            rows = metrics.run(opened, name).records()
            told = {row["date"]: row["sessions_count"] for row in rows if row["date"]}
            assert told == {day: days(key)[day] for day in told}
            assert len(told) == 3


def test_a_gap_hides_only_what_lay_wholly_in_it(tmp_path):
    """Of a chat opened again in it, nobody can tell when that was."""
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    lost = Span(start + 12 * HOUR, start + 13 * HOUR)
    plan = Plan(tmp_path / "archive", Span(start, start + DAY), (lost,), truth=tmp_path / "truth")
    settings = DeskSettings(chats_per_day=150)
    record_history(settings, plan)
    facts = [json.loads(line) for line in plan.truth.read_text("utf-8").splitlines()]
    drafts = {one["request_id"] for one in facts if one["kind"] == "chat" and one["draft"]}
    hidden = {
        one["request_id"] for one in facts if one["kind"] == "chat" and not one["published_at"]
    }
    true = {
        (one["request_id"], moment(one["opened_at"]), moment(one["closed_at"]))
        for one in facts
        if one["kind"] == "session" and one["request_id"] not in drafts | hidden
    }
    blurred = {
        one["request_id"]
        for one in facts
        if one["kind"] == "session"
        and one["n"] > 1
        and datetime(2026, 3, 2, 12) < moment(one["opened_at"]) < datetime(2026, 3, 2, 13)
    }

    day = date(2026, 3, 2)
    with analytics.open(plan.archive, date=day).archive as opened:
        told = set(opened.query("select conversation_id, opened_at, closed_at from sessions").rows)
        holes = opened.query("select since, until, why from uncovered").rows

    ((begins, ends, why),) = holes
    assert why == "simulated gap"
    assert datetime(2026, 3, 2, 11, 59, 35) < begins <= datetime(2026, 3, 2, 12)
    assert datetime(2026, 3, 2, 13) <= ends < datetime(2026, 3, 2, 13, 0, 10)
    told, true = (
        {row for row in rows if row[0] not in blurred or not begins < row[1] < ends}
        for rows in (told, true)
    )
    assert told < true
    assert all(begins <= opened_at and closed_at <= ends for _, opened_at, closed_at in true - told)
