"""Every figure again in plain Python, from what really happened and not from any frame."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from math import floor

import pytest

from analytics import archive, metrics

SINCE, UNTIL = date(2026, 3, 2), date(2026, 3, 5)
START = datetime.combine(SINCE, datetime.min.time())
END = datetime.combine(UNTIL, datetime.min.time())
ASYNC = ("whatsapp", "telegram", "messenger", "facebook")


def moment(text):
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


def is_inside(at):
    return at is not None and START <= at < END


def is_talk(message):
    subtype = message["subtype"] or ""
    return message["role"] != "system" and not subtype.startswith("info") and subtype != "private"


def spread(values):
    """Return the statistics of a wait, as every such metric names them."""
    ordered = sorted(values)

    def percentile(share):
        place = (len(ordered) - 1) * share
        low = floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return {
        "p50_s": percentile(0.5),
        "p90_s": percentile(0.9),
        "p95_s": percentile(0.95),
        "mean_s": sum(ordered) / len(ordered),
    }


class Truth:
    """The desk's facts by session."""

    def __init__(self, desk):
        self.chats = {
            one["request_id"]: one
            for one in desk.truth["chat"]
            if one["published_at"] and not one["draft"]
        }
        self.sessions = [one for one in desk.truth["session"] if one["request_id"] in self.chats]
        self.agents = {one["agent_id"] for one in desk.truth["agent"]}
        self.messages = self._by_session(desk.truth["message"])
        self.assignments = self._by_session(desk.truth["assignment"])
        self.bots = self._by_session(desk.truth["bot"])
        self.statuses = defaultdict(list)
        for one in desk.truth["status"]:
            self.statuses[one["request_id"]].append(one)

    def _by_session(self, facts):
        found = defaultdict(list)
        for one in facts:
            if one["request_id"] in self.chats:
                found[one["request_id"], one["session"]].append(one)
        return found

    def is_live(self, request_id):
        chat = self.chats[request_id]
        slow = chat["channel"] in (*ASYNC, "email", "form") or chat["channel"].startswith("sms")
        return not slow and chat["smart_assignment"] is not False

    def talk(self, session):
        """Return the session's messages that count, up to its close."""
        close = moment(session["closed_at"])
        said = [
            (moment(one["created_at"]), one["id"], one["role"], one["sender"])
            for one in self.messages[session["request_id"], session["n"]]
            if is_talk(one)
        ]
        return sorted(one for one in said if close is None or one[0] <= close)

    def requested_at(self, session):
        """Return when a human was first needed."""
        key = session["request_id"], session["n"]
        said = self.talk(session)
        bots = self.bots[key]
        if not bots and not any(role == "bot" for _, _, role, _ in said):
            visitor = [at for at, _, role, _ in said if role == "visitor"]
            return visitor[0] if visitor else moment(session["opened_at"])
        signs = [moment(one["since"]) for one in self.assignments[key]]
        left = [moment(one["until"]) for one in bots if one["until"]]
        if left:
            close = moment(session["closed_at"]) or END
            signs += [
                moment(one["since"])
                for one in self.statuses[session["request_id"]]
                if one["status"] == 100 and min(left) <= moment(one["since"]) < close
            ]
        return min(signs, default=None)

    def waits(self):
        """Yield the sessions that waited for a human: asked, had, answered, first message."""
        for session in self.sessions:
            chat = self.chats[session["request_id"]]
            said = self.talk(session)
            people = [one for one in said if one[2] in ("visitor", "agent")]
            asked = self.requested_at(session)
            by_agent = bool(people) and people[0][2] == "agent"
            opened_by_agent = chat["proactive"] and session["n"] == 1
            if asked is None or by_agent or opened_by_agent:
                continue
            if not self.is_live(session["request_id"]):
                continue
            answers = [at for at, _, role, _ in said if role == "agent" and at >= asked]
            visitor = [at for at, _, role, _ in said if role == "visitor"]
            yield session, asked, self._had(session, asked), answers[:1], visitor[:1]

    def _had(self, session, asked):
        stretches = self.assignments[session["request_id"], session["n"]]
        # The truth ends a stretch with the frame of the close, some ms before the close.
        open_then = [
            max(asked, moment(one["since"]))
            for one in stretches
            if one["until"] is None or one["end_reason"] == "close" or moment(one["until"]) > asked
        ]
        return min(open_then, default=None)


@pytest.fixture(scope="module")
def truth(desk):
    return Truth(desk)


@pytest.fixture(scope="module")
def told(desk):
    with archive.open_window(desk.root, desk.project_id, SINCE, UNTIL) as one:
        yield lambda name: metrics.run(one, name).records()


def whole(rows):
    """Return the row of the whole window."""
    return {key: value for key, value in rows[-1].items() if key != "date"}


def seconds(since, until):
    return (until - since) / timedelta(seconds=1)


def test_first_response_human(truth, told):
    waits = [
        seconds(asked, answers[0])
        for _, asked, _, answers, _ in truth.waits()
        if answers and is_inside(answers[0])
    ]

    assert len(waits) > 30
    assert whole(told("first_response_human")) == pytest.approx(
        {"answered_count": len(waits), **spread(waits)}, rel=1e-9
    )


def test_first_response_customer(truth, told):
    waits = [
        seconds(visitor[0], answers[0])
        for _, _, _, answers, visitor in truth.waits()
        if answers and visitor and answers[0] >= visitor[0] and is_inside(answers[0])
    ]

    assert whole(told("first_response_customer")) == pytest.approx(
        {"answered_count": len(waits), **spread(waits)}, rel=1e-9
    )


def test_queue_time(truth, told):
    asked = [one for one in truth.waits() if is_inside(one[1])]
    ends = [(start, had, moment(session["closed_at"])) for session, start, had, _, _ in asked]
    waits = [seconds(start, had or close) for start, had, close in ends if had or close]
    left = sum(1 for _, had, close in ends if had is None and close)

    assert left > 0
    assert whole(told("queue_time")) == pytest.approx(
        {
            "requested_count": len(ends),
            "left_count": left,
            "waiting_count": len(ends) - len(waits),
            **spread(waits),
        },
        rel=1e-9,
    )


def test_session_duration_and_close_reasons(truth, told):
    closed = [one for one in truth.sessions if is_inside(moment(one["closed_at"]))]
    lasted = [seconds(moment(one["opened_at"]), moment(one["closed_at"])) for one in closed]
    named = {"_bot_unresponsive": "idle", "_trigger": "trigger", "system": "system"}

    def reason(one):
        who = one["closed_by"]
        if who in named:
            return named[who]
        if who.startswith("bot_"):
            return "bot"
        if who == truth.chats[one["request_id"]]["lead_id"]:
            return "visitor"
        return "agent" if who in truth.agents else "unknown"

    assert whole(told("session_duration")) == pytest.approx(
        {"closed_count": len(closed), **spread(lasted)}, rel=1e-9
    )
    rows = [row for row in told("close_reasons") if row["date"] is None]
    assert {row["close_reason"]: row["sessions_count"] for row in rows} == Counter(
        map(reason, closed)
    )


def test_messages_by_role(truth, told):
    said = Counter(
        one["role"]
        for messages in truth.messages.values()
        for one in messages
        if is_talk(one) and is_inside(moment(one["created_at"]))
    )

    rows = [row for row in told("messages_by_role") if row["date"] is None]
    assert {row["sender_role"]: row["messages_count"] for row in rows} == said


def test_agent_chats_and_their_messages(truth, told):
    got = Counter(
        one["agent_id"]
        for stretches in truth.assignments.values()
        for one in stretches
        if is_inside(moment(one["since"]))
        and not any(
            other["agent_id"] == one["agent_id"]
            and other["until"]
            and 0 <= seconds(moment(other["until"]), moment(one["since"])) < 60
            for other in stretches
        )
    )
    closed = Counter(
        one["closed_by"] for one in truth.sessions if is_inside(moment(one["closed_at"]))
    )
    wrote = Counter(
        one["sender"]
        for messages in truth.messages.values()
        for one in messages
        if one["role"] == "agent" and is_talk(one) and is_inside(moment(one["created_at"]))
    )

    rows = [row for row in told("agent_chats") if row["date"] is None]
    assert rows
    for row in rows:
        agent = row["agent_id"]
        assert (row["assigned_count"], row["closed_count"], row["messages_count"]) == (
            got[agent],
            closed[agent],
            wrote[agent],
        )


def test_agent_response(truth, told):
    waits = defaultdict(list)
    for session in truth.sessions:
        if not truth.is_live(session["request_id"]):
            continue
        asked = None
        for at, _, role, sender in truth.talk(session):
            if role == "visitor" and asked is None:
                asked = at
            elif role == "agent":
                if asked is not None and is_inside(at):
                    waits[sender].append(seconds(asked, at))
                asked = None

    rows = [row for row in told("agent_response") if row["date"] is None]
    assert {row["agent_id"] for row in rows if row["response_count"]} == set(waits)
    for row in rows:
        if row["response_count"]:
            true = spread(waits[row["agent_id"]])
            assert row["response_count"] == len(waits[row["agent_id"]])
            assert row["response_p50_s"] == pytest.approx(true["p50_s"], rel=1e-9)
            assert row["response_p90_s"] == pytest.approx(true["p90_s"], rel=1e-9)
            assert row["response_mean_s"] == pytest.approx(true["mean_s"], rel=1e-9)


def test_satisfaction(desk, truth, told):
    rated = {
        one["request_id"]: one["rating"]
        for one in sorted(desk.truth["rating"], key=lambda one: one["at"])
        if one["request_id"] in truth.chats and is_inside(moment(one["at"]))
    }

    row = whole(told("satisfaction"))

    assert row["rated_count"] == len(rated) > 0
    assert row["mean_rating"] == pytest.approx(sum(rated.values()) / len(rated), rel=1e-9)


def test_backlog_at_midnight(truth, told):
    for row in told("backlog_at_midnight"):
        midnight = datetime.combine(row["date"], datetime.min.time()) + timedelta(days=1)
        left = [
            one
            for one in truth.sessions
            if moment(one["opened_at"]) < midnight
            and (one["closed_at"] is None or moment(one["closed_at"]) >= midnight)
        ]
        assert row["open_count"] == len(left)


def test_agent_availability(desk, told):
    """From the first state that was published of each agent."""
    available = Counter()
    for one in desk.truth["availability"]:
        if one["available"]:
            since, until = moment(one["since"]), moment(one["until"]) or END
            available[one["agent_id"]] += seconds(max(since, START), min(until, END))

    for row in told("agent_availability"):
        if row["date"] is None:
            assert row["available_s"] == pytest.approx(available[row["agent_id"]], abs=1.0)


def test_arrivals_by_hour(truth, told):
    hours = Counter(
        moment(one["opened_at"]).hour
        for one in truth.sessions
        if is_inside(moment(one["opened_at"]))
    )

    assert {row["hour"]: row["sessions_count"] for row in told("arrivals_by_hour")} == {
        hour: hours[hour] for hour in range(24)
    }
