"""The conversation without a wire: frames in, frames to send out, on a clock that tests move."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from archiver.frames import read_frame
from archiver.memory import Chat, Memory
from archiver.protocol import PING, PONG, SECOND, Limits, Protocol

P = "5f6c1d2e3a4b5c6d7e8f9a0b"
ANNA = "65f0aaaa0000000000000a01"
FEED = f"/{P}/requests"


def frame(topic, message, method="CREATE"):
    payload = {"topic": topic, "method": method, "message": message}
    if method is None:
        del payload["method"]
    return read_frame(json.dumps({"action": "publish", "payload": payload}).encode())


def chat(rid, status=200, **fields):
    return {"_id": rid, "request_id": rid, "status": status, "preflight": False, **fields}


def messages(rid):
    return f"{FEED}/{rid}/messages"


class Talk:
    """A protocol and its clock; `asked` and `left` are the topics sent since last looked at."""

    def __init__(self, memory=None, limits=None):
        self.now = 0
        self.memory = memory or Memory()
        self.protocol = Protocol(self.memory, [P], 0, limits)

    def receive(self, topic, message, method="CREATE"):
        self.protocol.receive(frame(topic, message, method), self.now)

    def wait(self, seconds):
        """Let time pass, ticking whenever it is due."""
        end = self.now + int(seconds * SECOND)
        while self.protocol.deadline() <= end:
            self.now = max(self.now, self.protocol.deadline())
            self.protocol.tick(self.now)
        self.now = end
        self.protocol.tick(end)

    def said(self):
        return self.protocol.outbox()

    def topics(self, action):
        frames = [json.loads(text) for text in self.said()]
        return [sent["payload"]["topic"] for sent in frames if sent["action"] == action]

    def asked(self):
        return self.topics("subscribe")

    def left(self):
        return self.topics("unsubscribe")

    def notes(self, name):
        return [note for note in self.protocol.notes() if note["control"] == name]


@pytest.fixture
def talk():
    return Talk()


def test_the_feed_is_asked_for_first(talk):
    assert talk.said() == [f'{{"action":"subscribe","payload":{{"topic":"{FEED}"}}}}']


def test_the_feed_is_asked_for_once_more_to_close_the_subscribe_race(talk):
    talk.said()
    talk.receive(FEED, [])

    talk.wait(4.9)
    assert talk.asked() == []
    talk.wait(0.2)
    assert talk.asked() == [FEED]
    talk.receive(FEED, [])
    talk.wait(30)
    assert talk.asked() == []


def test_messages_of_every_open_chat_and_every_agent_seen_are_followed(talk):
    talk.said()

    agents = {"participantsAgents": [ANNA], "snapshot": {"agents": [{"id_user": ANNA[:-1] + "2"}]}}
    talk.receive(FEED, [chat("r1", **agents), chat("r2", 100)])

    wanted = {messages("r1"), messages("r2")}
    people = {f"/{P}/project_users/users/{ANNA[:-1]}{digit}" for digit in "12"}
    assert set(talk.asked()) == wanted | people


def test_agents_go_before_messages_and_the_newest_chats_first(talk):
    talk.said()

    talk.receive(FEED, [chat(f"r{n}", participantsAgents=[ANNA]) for n in range(9)])

    asked = talk.asked()
    assert asked == [
        f"/{P}/project_users/users/{ANNA}",
        *(messages(f"r{n}") for n in (8, 7, 6, 5)),
    ]


def test_at_most_five_subscriptions_wait_for_their_snapshot(talk):
    talk.said()
    talk.receive(FEED, [chat(f"r{n}") for n in range(9)])
    assert len(talk.asked()) == 5

    talk.receive(messages("r8"), [])
    assert talk.asked() == [messages("r3")]


@pytest.mark.parametrize(
    "invisible", [{"status": 50}, {"draft": True}, {"preflight": True}, {"status": "200"}]
)
def test_a_chat_that_may_never_be_heard_of_again_is_not_followed(talk, invisible):
    talk.said()

    talk.receive(FEED, chat("r1") | invisible)

    assert talk.asked() == []


def test_an_update_is_enough_to_follow_a_chat(talk):
    talk.receive(FEED, [])
    talk.said()

    talk.receive(FEED, chat("r1"), "UPDATE")

    assert talk.asked() == [messages("r1")]


def test_a_chat_is_left_a_minute_after_its_close(talk):
    follow(talk, "r1")

    close(talk, "r1", detailed=True)
    talk.wait(59.9)
    assert talk.left() == []
    talk.wait(0.2)
    assert talk.left() == [messages("r1")]
    assert talk.memory.project(P).chats == {}


def follow(talk, rid):
    talk.receive(FEED, [chat(rid, updatedAt="2026-11-23T09:00:00.000Z")])
    talk.receive(messages(rid), [])
    talk.wait(6)
    talk.receive(FEED, [chat(rid, updatedAt="2026-11-23T09:00:00.000Z")])
    talk.said()


def close(talk, rid, detailed, closed_at="2026-11-23T09:10:00.050Z"):
    update = chat(rid, 1000, updatedAt="2026-11-23T09:10:00.000Z")
    talk.receive(FEED, update, "UPDATE")
    if detailed:
        label = {"messagelabel": {"key": "CHAT_CLOSED"}}
        nested = {"request_id": rid, "status": 1000, "closed_at": closed_at}
        talk.receive(messages(rid), {"_id": "m", "attributes": label, "request": nested})


def test_a_close_without_details_is_read_once_and_left(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=False)

    talk.wait(60.1)
    assert talk.asked() == [f"{FEED}/r1"]
    assert talk.notes("subscribed")[-1]["source"] == "repair"
    talk.receive(f"{FEED}/r1", chat("r1", 1000))
    assert set(talk.left()) == {f"{FEED}/r1", messages("r1")}
    talk.wait(300)
    assert talk.asked() == []


def test_the_old_details_of_a_reopened_chat_are_not_those_of_its_close(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=True, closed_at="2026-11-23T08:00:00.000Z")

    talk.wait(60.1)

    assert talk.asked() == [f"{FEED}/r1"]


def test_a_rating_after_the_close_brings_the_details_too(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=False)
    rated = chat("r1", 1000, updatedAt="2026-11-23T09:10:30.000Z", rating=5)
    talk.receive(FEED, rated | {"closed_at": "2026-11-23T09:10:00.050Z"}, "UPDATE")

    talk.wait(60.1)

    assert talk.asked() == []
    assert talk.memory.project(P).chats == {}


def test_a_reopened_chat_is_followed_on(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=True)
    talk.wait(30)

    talk.receive(FEED, chat("r1", updatedAt="2026-11-23T09:11:00.000Z"), "UPDATE")
    talk.wait(300)

    assert talk.left() == []
    assert talk.memory.project(P).chats["r1"].is_open


def test_a_chat_reopened_after_it_was_left_is_followed_again(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=True)
    talk.wait(61)
    talk.said()

    talk.receive(FEED, chat("r1", updatedAt="2026-11-23T09:12:00.000Z"), "UPDATE")

    assert talk.asked() == [messages("r1")]


def test_an_update_overtaken_by_the_close_reopens_nothing(talk):
    follow(talk, "r1")
    close(talk, "r1", detailed=True)

    talk.receive(FEED, chat("r1", updatedAt="2026-11-23T09:09:59.990Z"), "UPDATE")
    talk.wait(60.1)

    assert talk.left() == [messages("r1")]


def test_a_silent_topic_is_asked_three_times_then_refused(talk):
    follow(talk, "r0")
    talk.receive(FEED, chat("r1"))
    assert talk.asked() == [messages("r1")]

    talk.wait(15.1)
    assert talk.asked() == [messages("r1")]
    talk.wait(15.1)
    assert talk.asked() == [messages("r1")]
    assert talk.notes("refused") == []
    talk.wait(15.1)
    (refused,) = talk.notes("refused")
    assert (refused["topic"], refused["tries"]) == (messages("r1"), 3)
    assert refused["waited"] == pytest.approx(45 * SECOND, abs=2 * SECOND)
    talk.receive(FEED, chat("r1"), "UPDATE")
    talk.wait(100)
    assert talk.asked() == []


def test_the_feed_is_asked_for_for_ever(talk):
    talk.said()
    talk.wait(46)
    (refused,) = talk.notes("refused")
    assert refused["topic"] == FEED
    talk.said()

    talk.wait(61)

    assert FEED in talk.asked()


def test_a_late_snapshot_confirms_all_the_same(talk):
    talk.wait(46)
    assert not talk.protocol.is_ready(P)

    talk.receive(FEED, [])

    assert talk.protocol.is_ready(P)


def test_a_topic_is_not_left_before_its_snapshot_has_come():
    talk = Talk(limits=Limits(farewell=5 * SECOND))
    talk.receive(FEED, [])
    talk.receive(FEED, chat("r1", updatedAt="2026-11-23T09:00:00.000Z"))
    close(talk, "r1", detailed=True)

    talk.wait(5.1)
    assert talk.left() == []
    talk.receive(messages("r1"), [])
    talk.wait(0)
    assert talk.left() == [messages("r1")]


def open_memory(*rids, agents=()):
    memory = Memory()
    memory.project(P).chats.update({rid: Chat() for rid in rids})
    memory.project(P).agents.update(dict.fromkeys(agents))
    return memory


def test_what_was_followed_is_subscribed_again_as_repair():
    talk = Talk(open_memory("r1", agents=[ANNA]))

    assert talk.asked() == [FEED, f"/{P}/project_users/users/{ANNA}", messages("r1")]
    sources = {note["topic"]: note["source"] for note in talk.notes("subscribed")}
    assert sources == {
        FEED: "realtime",
        f"/{P}/project_users/users/{ANNA}": "realtime",
        messages("r1"): "repair",
    }


def test_a_chat_believed_open_but_absent_from_the_snapshot_is_read_once():
    talk = Talk(open_memory("gone", "here"))
    talk.said()

    talk.receive(FEED, [chat("here")])

    assert talk.asked() == [f"{FEED}/gone"]
    closed = chat("gone", 1000, updatedAt="2026-11-23T09:00:00Z", closed_at="2026-11-23T09:00:00Z")
    talk.receive(messages("gone"), [])
    talk.receive(f"{FEED}/gone", closed)
    assert talk.left() == [f"{FEED}/gone"]
    talk.wait(60.1)
    assert talk.left() == [messages("gone")]


def test_an_absent_chat_that_is_still_open_stays_followed():
    talk = Talk(open_memory("beyond the cap"))
    talk.receive(messages("beyond the cap"), [])
    talk.receive(FEED, [chat(f"r{n}") for n in range(100)])
    talk.said()

    talk.receive(f"{FEED}/beyond the cap", chat("beyond the cap"))
    talk.wait(120)

    assert talk.memory.project(P).chats["beyond the cap"].is_open


def test_a_chat_that_is_gone_is_forgotten():
    talk = Talk(open_memory("deleted"))
    talk.receive(messages("deleted"), [])
    talk.receive(FEED, [])
    talk.said()

    talk.receive(f"{FEED}/deleted", None)

    assert set(talk.left()) == {f"{FEED}/deleted", messages("deleted")}
    assert talk.memory.project(P).chats == {}


def test_a_closed_chat_of_an_earlier_life_is_read_and_left_too():
    memory = open_memory()
    memory.project(P).chats["r1"] = Chat(closing=1, detailed=False)
    talk = Talk(memory)
    talk.receive(FEED, [])
    talk.said()

    talk.wait(10)
    assert f"{FEED}/r1" not in talk.asked()
    talk.receive(messages("r1"), [])
    talk.wait(0)
    assert f"{FEED}/r1" in talk.asked()
    talk.receive(f"{FEED}/r1", chat("r1", 1000))
    assert memory.project(P).chats == {}


def test_messages_of_open_chats_are_read_before_those_of_closed_ones():
    memory = open_memory("open")
    gone = [f"gone{number}" for number in range(9)]
    memory.project(P).chats.update({rid: Chat(closing=1, detailed=True) for rid in gone})
    talk = Talk(memory)

    assert talk.asked() == [FEED, messages("open"), *(messages(rid) for rid in gone[:-4:-1])]


def test_closed_chats_do_not_gather_where_each_connection_is_cut_within_a_minute():
    memory = open_memory()
    for life in range(5):
        memory.project(P).chats[f"r{life}"] = Chat(closing=1, detailed=True)
        talk = Talk(memory)
        talk.receive(FEED, [])
        for rid in list(memory.project(P).chats):
            talk.receive(messages(rid), [])
        talk.wait(20)

    assert memory.project(P).chats == {}


def test_a_heartbeat_is_answered(talk):
    talk.said()

    talk.protocol.heartbeat(PING.encode(), 1)

    assert talk.said() == [PONG]


def test_a_pong_is_not_answered(talk):
    talk.said()

    talk.protocol.heartbeat(PONG.encode(), 1)

    assert talk.said() == []


def test_a_quiet_connection_is_pinged_and_a_silent_one_is_a_fault(talk):
    talk.receive(FEED, [])
    talk.said()

    talk.wait(29)
    assert talk.said().count(PING) == 5
    assert not talk.protocol.is_silent(talk.now)
    talk.wait(1.1)
    assert talk.protocol.is_silent(talk.now)


def test_a_busy_connection_is_pinged_often_enough_not_to_seem_mute(talk):
    """The server's own ping may be stuck behind what we are still reading."""
    pings = []
    for second in range(120):
        talk.wait(1)
        talk.receive(FEED, chat("r1"), "UPDATE")
        pings += [second] * talk.said().count(PING)

    assert len(pings) >= 5
    assert all(after - before < 30 for before, after in pairwise([0, *pings, 120]))


def test_parts_of_a_frame_are_no_silence(talk):
    for _ in range(10):
        talk.wait(20)
        talk.protocol.stirred(talk.now)
        assert talk.said().count(PING) >= 1  # it goes on pinging all the same

    assert not talk.protocol.is_silent(talk.now)
    talk.wait(30.1)
    assert talk.protocol.is_silent(talk.now)


def test_a_pong_is_a_sign_of_life(talk):
    for _ in range(10):
        talk.wait(20)
        talk.protocol.heartbeat(PONG.encode(), talk.now)

    assert not talk.protocol.is_silent(talk.now)


def test_a_new_day_asks_for_the_feed_and_every_agent_again():
    talk = Talk(open_memory("r1", agents=[ANNA]))
    talk.receive(FEED, [chat("r1")])
    talk.receive(f"/{P}/project_users/users/{ANNA}", {"_id": "x"})
    talk.receive(messages("r1"), [])
    talk.wait(6)
    talk.receive(FEED, [chat("r1")])
    talk.said()

    talk.protocol.refresh(talk.now)

    assert talk.asked() == [FEED, f"/{P}/project_users/users/{ANNA}"]


def test_every_topic_is_left_on_a_clean_stop(talk):
    follow(talk, "r1")

    talk.protocol.unsubscribe()

    assert talk.left() == [FEED, messages("r1")]


def test_the_last_thing_said_asks_whether_all_was_heard(talk):
    talk.protocol.unsubscribe()

    assert talk.said()[-1] == PING


def test_untrusted_frames_are_never_acted_on(talk):
    talk.receive(FEED, [])
    talk.said()

    talk.receive(FEED, chat("r1", participantsAgents=[ANNA]), None)

    assert talk.asked() == []
    assert talk.memory.project(P).chats == {}


def test_frames_of_other_projects_are_never_acted_on(talk):
    talk.said()

    talk.receive("/other/requests", [chat("r1")])

    assert talk.asked() == []


@pytest.mark.parametrize("rid", ["", "a/b", "x" * 500, "line\nbreak", 7, None])
def test_a_request_id_that_fits_no_topic_is_not_followed(talk, rid):
    talk.said()

    talk.receive(FEED, [chat(rid)])

    assert talk.asked() == []


def test_limits_can_be_other_ones():
    talk = Talk(limits=Limits(in_flight=1))
    talk.receive(FEED, [chat("r1"), chat("r2")])
    talk.said()

    talk.receive(messages("r2"), [])

    assert talk.asked() == [messages("r1")]
