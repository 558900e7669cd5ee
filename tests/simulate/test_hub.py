"""The server's rules of conversation, with a clock that the test turns."""

from __future__ import annotations

import json

import pytest

from archiver.simulate.hub import HEARTBEAT_MS, Hub, heartbeat, newest_open

P = "5f6c1d2e3a4b5c6d7e8f9a0b"
REQUESTS = f"/{P}/requests"


class Project:
    """A project of plain documents."""

    def __init__(self, requests=(), messages=None, agents=None):
        self.rows = {row["request_id"]: row for row in requests}
        self.said = messages or {}
        self.agents = agents or {}

    def open_requests(self):
        return self.rows.values()

    def request(self, request_id):
        return self.rows.get(request_id)

    def messages(self, request_id):
        return self.said.get(request_id)

    def agent(self, user_id):
        return self.agents.get(user_id)

    def bot(self, bot_id):
        return {"_id": bot_id} if bot_id == "known" else None


def request(number, **fields):
    return {
        "request_id": f"r{number}",
        "status": 200,
        "preflight": False,
        "participants": [],
        "snapshot": {"agents": []},
        "updatedAt": f"2026-11-02T10:00:{number // 1000:02d}.{number % 1000:03d}Z",
    } | fields


@pytest.fixture
def hub():
    hub = Hub()
    rows = [request(1, participants=["anna"]), request(2)]
    hub.serve(P, Project(rows, {"r1": [{"_id": "m1"}], "r2": []}, {"anna": {"id_user": "anna"}}))
    return hub


def sent(frames):
    return [json.loads(frame) for frame in frames]


def answer(connection, subscription, topic):
    frames = sent(connection.receive(subscription(topic)))
    return frames[0]["payload"]["message"] if frames else "silence"


def test_a_subscription_is_answered_by_its_snapshot(hub, subscription):
    frame = '{"action":"publish","payload":{"topic":"%s","method":"CREATE","message":[]}}'

    Empty = Hub()  # noqa: N806
    Empty.serve(P, Project())

    assert Empty.connect(0).receive(subscription(REQUESTS)) == [frame % REQUESTS]


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        (f"{REQUESTS}/r1/messages", [{"_id": "m1"}]),
        (f"{REQUESTS}/r2/messages", []),
        (f"/{P}/project_users/users/anna", {"id_user": "anna"}),
        (f"{REQUESTS}/none", None),
        (f"{REQUESTS}/", None),
        (f"/{P}", None),
        (f"/{P}/events/x", []),
        (f"/{P}/bots/known", {"_id": "known"}),
        (f"/{P}/bots/none", None),
    ],
)
def test_what_is_there_is_shown(hub, subscription, topic, message):
    assert answer(hub.connect(0), subscription, topic) == message


@pytest.mark.parametrize(
    "topic",
    [
        "*",
        "",
        REQUESTS[1:],
        "/000000000000000000000000/requests",
        f"{REQUESTS}/none/messages",
        f"/{P}/project_users/users/none",
        f"/{P}/project_users/anybody",
    ],
)
def test_a_refusal_is_silence(hub, subscription, topic):
    assert answer(hub.connect(0), subscription, topic) == "silence"


@pytest.mark.parametrize(
    "frame", ["not JSON", "[]", "null", "{}", '{"action":"fly"}', '{"action":"subscribe"}', b"\xff"]
)
def test_nonsense_is_ignored(hub, frame):
    assert hub.connect(0).receive(frame) == []


def test_a_single_request_is_shown_when_it_is_closed(subscription):
    hub = Hub()
    hub.serve(P, Project([request(1, status=1000)]))
    connection = hub.connect(0)

    assert answer(connection, subscription, REQUESTS) == []
    assert answer(connection, subscription, f"{REQUESTS}/r1")["status"] == 1000


def test_a_project_shows_its_hundred_newest_open_requests(subscription):
    hub = Hub()
    hub.serve(P, Project([request(number) for number in range(115)]))

    shown = answer(hub.connect(0), subscription, REQUESTS)

    assert [row["request_id"] for row in shown] == [f"r{n}" for n in range(114, 14, -1)]


@pytest.mark.parametrize(
    "fields",
    [{"status": 50}, {"status": 150}, {"status": 1000}, {"preflight": True}, {"draft": True}],
)
def test_what_is_not_open_to_everybody_is_not_listed(fields):
    assert newest_open([request(1, **fields)]) == []


def test_a_chat_shows_its_three_hundred_oldest_messages(subscription):
    hub = Hub()
    hub.serve(P, Project([request(1)], {"r1": [{"_id": n} for n in range(311)]}))

    shown = answer(hub.connect(0), subscription, f"{REQUESTS}/r1/messages")

    assert [message["_id"] for message in shown] == list(range(300))


def test_an_agent_sees_the_chats_he_is_in_and_hears_of_all(hub, subscription):
    anna = hub.connect(0, viewer="anna")

    assert [row["request_id"] for row in answer(anna, subscription, REQUESTS)] == ["r1"]
    assert answer(anna, subscription, f"{REQUESTS}/r2") is None
    assert answer(anna, subscription, f"{REQUESTS}/r2/messages") == "silence"
    hub.publish(REQUESTS, "UPDATE", request(2))
    assert sent(anna.take())[0]["payload"]["message"]["request_id"] == "r2"


def test_an_agent_sees_the_chats_he_could_be_given(subscription):
    hub = Hub()
    hub.serve(P, Project([request(1, snapshot={"agents": [{"id_user": "anna"}]})]))

    assert len(answer(hub.connect(0, viewer="anna"), subscription, REQUESTS)) == 1


def test_subscribing_twice_brings_the_snapshot_twice_and_the_rest_once(hub, subscription):
    connection = hub.connect(0)

    assert answer(connection, subscription, REQUESTS) == answer(connection, subscription, REQUESTS)
    assert hub.publish(REQUESTS, "UPDATE", {"n": 1}) == 1
    assert len(connection.take()) == 1


def test_a_topic_matches_as_a_whole(hub, subscription):
    connection = hub.connect(0)
    connection.receive(subscription(f"{REQUESTS}/"))

    assert hub.publish(REQUESTS, "UPDATE", {}) == 0


def test_nothing_comes_after_unsubscribing(hub, subscription):
    connection = hub.connect(0)
    connection.receive(subscription(REQUESTS))
    gone = json.dumps({"action": "unsubscribe", "payload": {"topic": REQUESTS}})

    assert connection.receive(gone) == []
    assert connection.receive(gone) == []
    assert hub.publish(REQUESTS, "UPDATE", {}) == 0


@pytest.mark.parametrize(("action", "copies"), [("publish", (1, 1)), ("broadcast", (0, 1))])
def test_anybody_may_publish_but_never_with_a_method(hub, subscription, action, copies):
    spoofer, listener = hub.connect(0), hub.connect(0)
    for connection in (spoofer, listener):
        connection.receive(subscription(REQUESTS))
    payload = {"topic": REQUESTS, "method": "CREATE", "message": {"spoof": "\ud800"}}

    mine = spoofer.receive(json.dumps({"action": action, "payload": payload}))
    theirs = listener.take()

    assert (len(mine), len(theirs)) == copies
    assert json.loads(theirs[0].encode())["payload"] == {
        "topic": REQUESTS,
        "message": {"spoof": "\ud800"},
    }


def test_me_is_answered_with_an_identity_and_no_user(hub):
    (frame,) = sent(hub.connect(0).receive('{"action":"me"}'))

    assert frame["action"] == "me"
    assert frame["payload"].keys() == {"id", "userId"}
    assert frame["payload"]["userId"] is None


def test_a_ping_is_answered_and_a_pong_is_not(hub):
    connection = hub.connect(0)

    assert connection.receive(heartbeat("ping")) == [heartbeat("pong")]
    assert connection.receive(heartbeat("pong")) == []


def test_a_silent_client_is_cut_at_the_second_beat(hub, subscription):
    connection = hub.connect(500)
    connection.receive(subscription(REQUESTS))

    assert connection.deadline() == 500 + HEARTBEAT_MS
    assert connection.tick(500 + HEARTBEAT_MS - 1) == []
    assert connection.tick(500 + HEARTBEAT_MS) == [heartbeat("ping")]
    assert connection.tick(500 + 2 * HEARTBEAT_MS) == []
    assert connection.is_closed
    assert hub.publish(REQUESTS, "UPDATE", {}) == 0


@pytest.mark.parametrize("sign_of_life", [heartbeat("pong"), "nonsense", b"\x00"])
def test_any_frame_keeps_a_client_alive(hub, sign_of_life):
    connection = hub.connect(0)
    for beat in range(1, 6):
        assert connection.tick(beat * HEARTBEAT_MS) == [heartbeat("ping")]
        connection.receive(sign_of_life)

    assert not connection.is_closed
