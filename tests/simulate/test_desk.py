"""The desk: one seed is one history, its frames and its truth agree, and everything happens."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from archiver.simulate.desk import Desk
from archiver.simulate.hub import Hub
from archiver.simulate.settings import PROJECT_ID, DeskSettings, SettingsError
from archiver.simulate.timeline import DAY, HOUR, from_iso

START = from_iso("2026-11-02T00:00:00Z")
pytestmark = pytest.mark.slow


def history(subscription, settings, days, step_ms, start=START):
    """Return the truth and the request frames of a desk advanced in steps."""
    hub, truth, frames = Hub(), [], []
    desk = Desk(settings, start, hub, truth.append)
    listener = hub.connect(start)
    listener.receive(subscription(f"/{settings.project_id}/requests"))
    for at in range(start, start + days * DAY, step_ms):
        desk.advance(at + step_ms)
        frames += listener.take()
    desk.finish()
    return truth, frames


@pytest.fixture(scope="session")
def week(facts_by_kind_of):
    return facts_by_kind_of(DeskSettings(), 7)


@pytest.fixture(scope="session")
def facts_by_kind_of():
    def facts(settings, days):
        lines, found = [], defaultdict(list)
        desk = Desk(settings, START, Hub(), lines.append)
        desk.advance(START + days * DAY)
        desk.finish()
        for line in lines:
            fact = json.loads(line)
            found[fact["kind"]].append(fact)
        return found

    return facts


def test_one_seed_is_one_history_in_whatever_steps(subscription):
    in_hours = history(subscription, DeskSettings(), 1, HOUR)
    at_once = history(subscription, DeskSettings(), 1, DAY)

    assert in_hours == at_once
    assert len(in_hours[1]) > 500


def test_who_listens_changes_nothing(subscription):
    watched_truth, _ = history(subscription, DeskSettings(), 1, DAY)
    unseen = []
    desk = Desk(DeskSettings(), START, Hub(), unseen.append)
    desk.advance(START + DAY)
    desk.finish()

    assert unseen == watched_truth


@pytest.mark.parametrize(
    ("settings", "start"),
    [
        (DeskSettings(seed=2), START),
        (DeskSettings(project_id="0" * 24), START),
        (DeskSettings(), START + DAY),
    ],
)
def test_another_seed_project_or_start_is_another_history(subscription, settings, start):
    ours, _ = history(subscription, DeskSettings(), 1, DAY)
    theirs, _ = history(subscription, settings, 1, DAY, start)

    def chats(lines):
        facts = map(json.loads, lines)
        return {fact["request_id"] for fact in facts if fact["kind"] == "chat"}

    assert not chats(ours) & chats(theirs)


def test_the_staff_depends_on_the_seed_alone(subscription):
    def staff(start):
        truth, _ = history(subscription, DeskSettings(), 1, DAY, start)
        return [fact for fact in map(json.loads, truth) if fact["kind"] == "agent"]

    assert staff(START) == staff(START + 30 * DAY)


def test_a_week_holds_everything_that_can_happen(week):
    def has(kind, **wanted):
        return any(wanted.items() <= fact.items() for fact in week[kind])

    assert {fact["end_reason"] for fact in week["assignment"]} >= {"transfer", "left", "close"}
    assert {fact["status"] for fact in week["status"]} == {100, 150, 200, 1000}
    assert {fact["role"] for fact in week["message"]} == {"visitor", "agent", "bot", "system"}
    assert {fact["label"] for fact in week["message"]} == {
        None,
        "CHAT_CLOSED",
        "CHAT_REOPENED",
        "TOUCHING_OPERATOR",
        "LEAD_UPDATED",
    }
    assert {fact["subtype"] for fact in week["message"]} == {
        None,
        "info",
        "info/support",
        "private",
    }
    closers = {fact["closed_by"] for fact in week["session"]}
    assert closers >= {"_bot_unresponsive", "_trigger"}
    assert closers & {fact["lead_id"] for fact in week["chat"]}
    assert closers & {fact["agent_id"] for fact in week["agent"]}
    assert any(str(closer).startswith("bot_") for closer in closers)
    assert has("chat", published_at=None)
    assert has("chat", draft=True)
    assert has("chat", proactive=True)
    assert has("chat", smart_assignment=False)
    assert len({fact["channel"] for fact in week["chat"]}) >= 5
    assert len({fact["language"] for fact in week["chat"]}) >= 5
    assert {fact["rating"] for fact in week["rating"]} == {1, 2, 3, 4, 5}
    assert has("session", n=2)
    assert has("availability", available=True, profile_status="")
    assert has("availability", available=False, profile_status="")
    assert has("availability", available=False, profile_status="inactive")
    assert has("message", type="image")
    assert has("message", action="\\agent", role="bot", subtype="info")
    assert has("presence", status="online")
    assert has("presence", status="offline")
    assert has("working_status", working_status="pending")
    assert has("working_status", working_status="open")
    assert len({fact["tag"] for fact in week["tag"]}) == 4
    assert has("document", status=50, preflight=True)
    assert len({fact["department_id"] for fact in week["department"]}) == 3
    assert has("assignment", until=None)
    assert has("session", closed_at=None)


def test_a_week_has_late_ratings_moves_and_waits(week):
    closed = {fact["request_id"]: fact["closed_at"] for fact in week["document"]}
    late = [
        fact
        for fact in week["rating"]
        if from_iso(fact["at"]) - from_iso(closed[fact["request_id"]] or fact["at"]) > 6 * HOUR
    ]
    departments = Counter(fact["request_id"] for fact in week["department"])

    assert late
    assert max(departments.values()) > 1
    assert 200 < len(week["chat"]) / 7 < 300


def test_some_visitors_come_again_and_some_leave_in_seconds(week):
    visitors = Counter(fact["lead_id"] for fact in week["chat"])
    left = [
        from_iso(session["closed_at"]) - from_iso(session["opened_at"])
        for session in week["session"]
        if session["closed_by"] in visitors
    ]

    assert 0.02 < sum(count - 1 for count in visitors.values()) / len(week["chat"]) < 0.15
    assert sum(ms < 15_000 for ms in left) > 10


def test_an_agents_socket_drops_for_seconds_and_for_minutes(week):
    away = [
        from_iso(fact["until"]) - from_iso(fact["since"])
        for fact in week["presence"]
        if fact["status"] == "offline" and fact["until"]
    ]

    assert sum(ms < 60_000 for ms in away) > 10
    assert sum(60_000 < ms < HOUR for ms in away) > 5


def test_a_colleague_may_join_and_stay(week):
    by_chat = defaultdict(list)
    for fact in week["assignment"]:
        by_chat[fact["request_id"], fact["session"]].append(fact)
    together = [
        facts
        for facts in by_chat.values()
        if sum(fact["end_reason"] == "close" for fact in facts) > 1
    ]

    assert len(together) > 5


def test_some_chats_are_opened_again_after_a_week(facts_by_kind_of):
    sessions = defaultdict(dict)
    for fact in facts_by_kind_of(DeskSettings(chats_per_day=60), 14)["session"]:
        sessions[fact["request_id"]][fact["n"]] = fact
    waits = [
        from_iso(again["opened_at"]) - from_iso(chat[n - 1]["closed_at"])
        for chat in sessions.values()
        for n, again in chat.items()
        if n > 1
    ]

    assert any(wait > 7 * DAY for wait in waits)
    assert any(5 * DAY < wait < 7 * DAY for wait in waits)
    assert any(wait < DAY for wait in waits)


def test_weekdays_and_working_hours_are_busier(week):
    by_hour = Counter(fact["created_at"][11:13] for fact in week["chat"])
    by_day = Counter(fact["created_at"][:10] for fact in week["chat"])

    assert by_hour["09"] > 5 * by_hour["02"]
    assert by_day["2026-11-02"] > by_day["2026-11-08"]


def test_nobody_is_given_more_chats_than_his_limit(week):
    moves = defaultdict(list)
    for fact in week["limit"]:
        moves[fact["agent_id"]].append((fact["since"], 0, fact["chat_limit"]))
    for fact in week["assignment"]:
        is_given = fact["session"] == 1  # who reopens a chat has it again, limit or not
        moves[fact["agent_id"]].append((fact["since"], 1, is_given))
        if fact["until"]:
            moves[fact["agent_id"]].append((fact["until"], -1, False))
    full = 0
    for steps in moves.values():
        load, limit = 0, None
        for _, move, told in sorted(steps, key=lambda step: step[:2]):
            load += move
            if move == 0:
                limit = None if told in (None, -1) else told
            elif told and limit is not None:
                assert load <= limit
                full += load == limit

    assert full > 10


def test_limits_change_and_some_are_the_projects(week):
    limits = defaultdict(list)
    for fact in week["limit"]:
        limits[fact["agent_id"]].append(fact["chat_limit"])

    assert max(map(len, limits.values())) > 1
    assert {-1, None} <= {limit for told in limits.values() for limit in told}


def test_a_desk_without_bots_has_none(facts_by_kind_of):
    facts = facts_by_kind_of(DeskSettings(bots=False, chats_per_day=60), 1)

    assert not facts["bot"]
    assert not [fact for fact in facts["message"] if fact["role"] == "bot"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"project_id": "x"}, "project 'x': give 24 hexadecimal digits"),
        ({"time_zone": "Mars"}, "time zone 'Mars': unknown; give one such as Europe/Rome"),
        ({"agents": 0}, "a desk needs chats, at least one agent and one department"),
        ({"limit_days": 0}, "limit_days: give a number of days above 0"),
        ({"draft_share": 2}, "draft_share: give a share between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(SettingsError) as raised:
        DeskSettings(**wrong)

    assert str(raised.value) == message


def test_memory_forgets_closed_chats(subscription):
    hub = Hub()
    desk = Desk(DeskSettings(keep_closed_days=1), START, hub)
    desk.advance(START + 2 * DAY)
    early = len(desk._service._chats)
    desk.advance(START + 7 * DAY)

    assert len(desk._service._chats) < early * 2


def test_every_request_frame_says_what_was_true(watched):
    statuses, assignments = watched.facts("status"), watched.facts("assignment")
    checked = 0
    for _, _, request in watched.live_requests():
        if request.get("draft"):
            continue
        at, request_id = request["updatedAt"], request["request_id"]
        (status,) = [f["status"] for f in statuses[request_id] if covers(f, at)]
        assert status == request["status"]
        if request["status"] < 1000:
            agents = {f["agent_id"] for f in assignments[request_id] if covers(f, at, request)}
            assert agents == set(request["participantsAgents"])
            checked += 1

    assert checked > 1000


def covers(fact, at, request=None):
    """Tell whether an interval holds an instant; a stretch may begin with the frame itself."""
    begins_now = request is not None and fact["since"] == request.get("assigned_at")
    until = fact["until"]
    return (fact["since"] <= at or begins_now) and (until is None or at < until)


def test_no_request_goes_back_in_time_and_some_frames_are_repeated(watched):
    versions = defaultdict(list)
    for _, _, request in watched.live_requests():
        versions[request["request_id"]].append(request)

    pairs = [pair for one in versions.values() for pair in pairwise(one)]
    assert all(before["updatedAt"] <= after["updatedAt"] for before, after in pairs)
    assert any(before == after for before, after in pairs)


def test_nothing_is_told_before_it_happened(watched):
    for at, _, request in watched.live_requests():
        assert from_iso(request["updatedAt"]) <= at + 1


def test_chats_that_began_invisibly_are_first_seen_by_an_update(watched):
    first = {}
    for at, method, request in watched.live_requests():
        first.setdefault(request["request_id"], (at, method))
    published = {f["request_id"]: f["published_at"] for f in watched.truth["chat"]}

    assert {chat for chat, at in published.items() if at} == set(first)
    assert all(from_iso(published[chat]) == at for chat, (at, _) in first.items())
    assert Counter(method for _, method in first.values())["UPDATE"] > 20


def test_a_close_is_published_without_its_details_and_a_second_one_with_the_old(watched):
    closes = [r for _, _, r in watched.live_requests() if r["status"] == 1000 and is_close(r)]
    sessions = {(f["request_id"], f["close_seen_at"]): f for f in watched.truth["session"]}
    first, again = 0, 0
    for request in closes:
        session = sessions[request["request_id"], request["updatedAt"]]
        if session["n"] == 1:
            assert "closed_at" not in request
            first += 1
        else:
            assert request["closed_at"] < request["updatedAt"]
            again += 1
        if session["closed_at"]:
            late = from_iso(session["closed_at"]) - from_iso(request["updatedAt"])
            assert 11 <= late <= 72

    assert first > 300
    assert again > 5


def is_close(request):
    """Tell a close from what is published of a closed chat later (ratings, notes)."""
    return request.get("closed_at", "") <= request["updatedAt"] and "rating" not in request


def test_the_closing_message_carries_the_right_details(watched):
    sessions = {(f["request_id"], f["closed_at"]): f for f in watched.truth["session"]}
    closings = [m for m in watched.live_messages() if label(m) == "CHAT_CLOSED"]
    for message in closings:
        request = message["request"]
        session = sessions[message["recipient"], request["closed_at"]]
        assert request["closed_by"] == session["closed_by"]
        closed, created = from_iso(request["closed_at"]), from_iso(request["createdAt"])
        assert request["duration"] == closed - created

    assert len(closings) > 300


def label(message):
    return message.get("attributes", {}).get("messagelabel", {}).get("key")


def test_a_reopened_chat_keeps_its_old_close(watched):
    reopened = [m["request"] for m in watched.live_messages() if label(m) == "CHAT_REOPENED"]

    assert reopened
    assert all(r["status"] in (100, 200) and "closed_at" in r for r in reopened)


def test_messages_come_in_order_and_as_they_were(watched):
    by_chat = defaultdict(list)
    for message in watched.live_messages():
        by_chat[message["recipient"]].append(message)
    truth = {fact["id"]: fact for fact in watched.truth["message"]}

    for messages in by_chat.values():
        times = [message["createdAt"] for message in messages]
        assert times == sorted(set(times))
        for message in messages:
            fact = truth[message["_id"]]
            assert fact["sender"] == message["sender"]
            assert fact["created_at"] == message["createdAt"]
            assert fact["text_length"] == len(message["text"])


def test_a_follower_misses_no_message_of_a_visible_chat(watched):
    seen = {message["_id"] for message in watched.live_messages()}
    for _, topic, _, snapshot in watched.frames:
        if topic.endswith("/messages") and isinstance(snapshot, list):
            seen |= {message["_id"] for message in snapshot}
    visible = {f["request_id"] for f in watched.truth["chat"] if f["published_at"]}

    assert seen == {f["id"] for f in watched.truth["message"] if f["request_id"] in visible}


def test_waiting_time_is_set_by_the_first_participant_and_cleared_by_routing(watched):
    versions = defaultdict(list)
    for _, _, request in watched.live_requests():
        versions[request["request_id"]].append(request)
    cleared = 0
    for requests in versions.values():
        for before, after in pairwise(requests):
            if "waiting_time" in before and "waiting_time" not in after:
                assert before["participants"] != after["participants"] or moved(before, after)
                assert after["first_response_at"] == before["first_response_at"]
                cleared += 1
            elif "waiting_time" not in before and "waiting_time" in after:
                since = from_iso(after["first_response_at"]) - from_iso(after["createdAt"])
                assert after["waiting_time"] == since

    assert cleared > 50


def moved(before, after):
    return before["department"]["_id"] != after["department"]["_id"]


def test_a_reassignment_leaves_assigned_at_and_a_join_renews_it(watched):
    kept = renewed = 0
    versions = {}
    for _, _, request in watched.live_requests():
        before = versions.get(request["request_id"])
        versions[request["request_id"]] = request
        if not before or not before["participantsAgents"] or request["status"] != 200:
            continue
        old, new = before["participantsAgents"], request["participantsAgents"]
        if len(old) == len(new) == 1 and old != new and not moved(before, request):
            kept += before["assigned_at"] == request["assigned_at"]
        if len(new) > len(old):
            renewed += before["assigned_at"] < request["assigned_at"]

    assert kept
    assert renewed


def test_agents_are_counted_anew_at_every_change(watched):
    updates = [
        message
        for _, topic, method, message in watched.frames
        if "/project_users/users/" in topic and method == "UPDATE"
    ]
    assert len(updates) > 500
    assert max(update["number_assigned_requests"] for update in updates) >= 3
    assert f"/{PROJECT_ID}/project_users/users/{updates[0]['id_user']['_id']}" in {
        topic for _, topic, _, _ in watched.frames
    }


def test_requests_carry_what_agents_add(watched):
    requests = [request for _, _, request in watched.live_requests()]

    for field in ("tags", "notes"):
        assert any(request[field] for request in requests)
    assert any("abandoned_by_project_users" in r.get("attributes", {}) for r in requests)
    assert any("rating" in request and "closed_at" in request for request in requests)


def test_agents_are_busy_only_by_a_limit_of_the_project():
    hub = Hub()
    settings = DeskSettings(project_chat_limit=2, chats_per_day=600)
    desk = Desk(settings, START, hub)
    agents = [agent.id for agent in desk._service.staff.agents]
    desk.advance(START + 10 * HOUR)

    shown = [desk._service.agent(agent_id) for agent_id in agents]

    assert any(agent["isBusy"] for agent in shown)
    for agent in shown:
        most = max(2, agent.get("max_assigned_chat", 0))
        assert agent["isBusy"] == (agent["number_assigned_requests"] >= most)
