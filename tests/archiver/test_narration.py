"""What rows are told as: what changed, who by id and part, and nobody's words unasked."""

from __future__ import annotations

import json
from datetime import UTC

import pytest

from archiver.coverage import iso
from archiver.narration import Event, Narrator, short, to_json, to_line

P = "65f0a1b2c3d4e5f601234567"
NOON = 1_795_435_200_000_000
ANNA, BEN, BOT = (
    "65f0aaaa0000000000000a01",
    "65f0bbbb0000000000000a02",
    "bot_65f0b07000000000000000b1",
)
VISITOR = "9b2f4f0e-6a3d-4a8e-9c55-0d8d3f5b1e21"


@pytest.fixture
def told(tape):
    """Tell what a tape means; lines of what happened."""

    def tell(script, *, text=False, memory=None):
        narrator = Narrator(text=text)
        narrator.know("main", memory or {})
        return list(narrator.events(script.rows(live=True)))

    return tell


@pytest.fixture
def chat(frames):
    """Return a chat's update."""

    def update(second, status=200, *people, **fields):
        agents = [one for one in people if not one.startswith("bot_")]
        fields |= {"participants": list(people), "participantsAgents": agents}
        return frames.update(frames.request(7, status, second, **fields))

    return update


@pytest.fixture
def message(frames):
    rid = frames.request(7)["request_id"]

    def build(sender, **fields):
        fields = {"_id": "m1", "sender": sender, "type": "text", "text": "hello"} | fields
        return frames.publish(f"/{P}/requests/{rid}/messages", fields)

    return build


def whats(events, kind=None):
    return [event.what for event in events if kind in (None, event.kind)]


def test_a_chat_s_life_is_told_by_what_changed(tape, told, chat):
    script = tape().frame(chat(1, 200, BOT), 1).frame(chat(2, 100), 2).frame(chat(3, 200, ANNA), 3)
    script.frame(chat(4, 200, BEN), 4).frame(chat(5, 200, BEN), 5).frame(chat(6, 1000, BEN), 6)
    script.frame(chat(7, 1000, BEN, rating=5), 7).frame(chat(8, 200, BEN, rating=5), 8)

    events = told(script)

    assert whats(events) == [
        "new chat, assigned, +bot_000000b1",
        "assigned → unassigned, −bot_000000b1",
        "unassigned → assigned, +00000a01",
        "+00000a02 −00000a01",
        "updated",
        "assigned → closed",
        "rated 5",
        "closed → assigned",
    ]
    assert {(event.project_id, event.kind, event.recorder) for event in events} == {
        (P, "request", "main")
    }


def test_an_overtaken_version_is_no_change(tape, told, chat):
    script = tape().frame(chat(1, 100), 1).frame(chat(5, 1000), 2).frame(chat(3, 200, ANNA), 3)
    script.frame(chat(6, 200, ANNA), 4)

    assert whats(told(script))[2:] == ["updated", "closed → assigned, +00000a01"]


def test_a_chat_that_was_followed_before_is_not_new(tape, told, chat, frames):
    memory = {P: {"chats": {frames.request(7)["request_id"]: [None, False]}, "agents": [ANNA]}}

    assert whats(told(tape().frame(chat(1, 200, ANNA), 1), memory=memory)) == [
        "assigned, +00000a01"
    ]


def test_snapshots_are_one_line_and_what_changed_unseen(tape, told, chat, frames):
    script = tape().frame(chat(1, 100), 1)
    script.frame(frames.feed(frames.request(7, 200, 5), frames.request(8, 200, 4)), 6)
    script.frame(frames.feed(frames.request(7, 200, 5), frames.request(8, 200, 4)), 7)
    script.frame(frames.feed(), 8)

    events = told(script)

    assert whats(events)[1:] == [
        "2 open chats",
        "unassigned → assigned (seen afterwards)",
        "2 open chats",
        "0 open chats",
    ]
    assert events[1].request_id is None
    assert events[2].request_id == frames.request(7)["request_id"]


@pytest.mark.parametrize(
    ("sender", "fields", "what"),
    [
        (
            "system",
            {"attributes": {"messagelabel": {"key": "CHAT_CLOSED"}}},
            "system (CHAT_CLOSED)",
        ),
        (BOT, {"type": "frame"}, "bot bot_000000b1 (frame)"),
        (ANNA, {"attributes": {"subtype": "private"}}, "agent 00000a01 (private)"),
        (VISITOR, {"request": {"lead": {"lead_id": VISITOR}}}, "visitor 3f5b1e21"),
        ("somebody", {}, "unknown somebody"),
        (None, {}, "unknown –"),
    ],
)
def test_a_message_is_told_by_its_sender_s_part(tape, told, chat, message, sender, fields, what):
    script = tape().frame(chat(1, 200, ANNA), 1).frame(message(sender, **fields), 2)

    (found,) = whats(told(script), "message")

    assert found == f"message by {what}"


def test_words_and_names_are_told_only_on_demand(tape, told, message, frames):
    agent = {"id_user": {"_id": ANNA, "firstname": "Anna", "lastname": "B"}, "user_available": True}
    script = tape().frame(message(VISITOR, senderFullname="Guest 9", text="my order"), 1)
    script.frame(frames.publish(f"/{P}/project_users/users/{ANNA}", agent, "UPDATE"), 2)

    assert [event.text for event in told(script)] == [None, None]
    assert [event.text for event in told(script, text=True)] == ["Guest 9: my order", "Anna B"]


def test_an_agent_is_told_of_when_his_state_changes(tape, told, frames):
    def agent(available, **fields):
        fields |= {"id_user": ANNA, "user_available": available}
        return frames.publish(f"/{P}/project_users/users/{ANNA}", fields, "UPDATE")

    script = tape().frame(agent(True, number_assigned_requests=1), 1)
    script.frame(agent(True, number_assigned_requests=1), 2)
    script.frame(agent(False, profileStatus="inactive", isBusy=True), 3)

    assert whats(told(script)) == ["available, 1 chat", "not available, inactive, busy"]


def test_connections_gaps_and_refusals_are_told(tape, told):
    script = tape().connected(0).feed(1).control("refused", 2, topic=f"/{P}/x", since=NOON)
    script.disconnected(3, why="connection lost").connected(9, 2).feed(10, 2)

    assert whats(told(script)) == [
        "connected, connection 1",
        "1 open chat",
        f"refused /{P}/x",
        f"gap began /{P}/x: refused",
        "disconnected, connection 1: connection lost",
        "gap began: connection lost",
        "connected, connection 2",
        "1 open chat",
        "gap ended after 9.0 s: connection lost",
    ]


def test_what_is_no_chat_is_told_too(tape, told, frames):
    script = tape().frame(b"not json", 1).frame(frames.publish(f"/{P}/requests", {}, None), 2)

    assert whats(told(script)) == [
        "8 characters that were not read",
        "published by another client, not the server",
    ]


def test_what_is_remembered_is_bounded(tape, told, frames, monkeypatch):
    monkeypatch.setattr("archiver.narration.REMEMBERED", 2)
    script = tape()
    for number in (1, 2, 3, 1):
        script.frame(frames.update(frames.request(number, 200, 1)), number)

    assert whats(told(script)) == ["new chat, assigned"] * 4


@pytest.fixture
def event():
    rid = f"support-group-{P}-7c41d9e0"
    return Event(NOON + 1500, "main", P, "request", "assigned → closed", rid)


def test_a_line_holds_what_tells_events_apart(event):
    alone = to_line(event, UTC, project=False, recorder=False)
    among = to_line(event, UTC, project=True, recorder=True)

    assert alone == "2026-11-23 12:00:00.001  request    7c41d9e0  assigned → closed"
    assert (
        among == f"2026-11-23 12:00:00.001  main      {P}  request    7c41d9e0  assigned → closed"
    )


def test_a_terminal_is_given_no_orders():
    event = Event(NOON, "main", P, "message", "x\x1b[2J", "r\n1", None, "a\x1b]0;b\x07\nc\u202ed")

    line = to_line(event, UTC, project=False, recorder=False)

    assert line.isprintable()
    assert line.endswith("x·[2J  «a·]0;b··c·d»")


def test_json_holds_what_is_known_and_no_more(event):
    assert json.loads(to_json(event)) == {
        "at": iso(event.at),
        "recorder": "main",
        "project_id": P,
        "kind": "request",
        "what": "assigned → closed",
        "request_id": event.request_id,
    }


def test_an_id_is_shortened_from_its_end():
    assert [short(name) for name in (BOT, ANNA, "r1")] == ["bot_000000b1", "00000a01", "r1"]
