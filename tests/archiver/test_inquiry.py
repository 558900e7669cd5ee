"""What an inquiry asks, in which order, when it gives up, and that it leaves as it came."""

from __future__ import annotations

import json

import pytest

from archiver.inquiry import IN_FLIGHT, LISTEN, Inquiry

P, Q = "65f0a1b2c3d4e5f601234567", "65f0a1b2c3d4e5f601234568"
ANNA = "65f0aaaa0000000000000a01"
SECOND = 1_000_000
PATIENCE = 15 * SECOND
NOON = 1_795_435_200_000_000
MEMBER, FEED = f"/{P}/project_users/users/{ANNA}", f"/{P}/requests"


class Asking:
    """An inquiry with a clock that is set by hand."""

    def __init__(self, *projects, user=ANNA, listen=False):
        self.now = 7
        self.inquiry = Inquiry(projects or (P,), user, PATIENCE, lambda: self.now, listen=listen)

    def after(self, seconds):
        self.now += int(seconds * SECOND)
        self.inquiry.tick(NOON)
        return self.said()

    def hears(self, frame, seconds=0.0):
        self.now += int(seconds * SECOND)
        self.inquiry.received_all([frame], NOON + self.now)
        return self.said()

    def said(self):
        frames = map(json.loads, self.inquiry.outbox())
        return [(frame["action"], frame["payload"].get("topic")) for frame in frames]


@pytest.fixture
def asking():
    return Asking


def test_it_asks_measures_and_leaves(asking, frames):
    one = asking()
    assert one.said() == [("subscribe", MEMBER), ("subscribe", FEED)]
    one.hears(frames.publish(MEMBER, {"role": "owner"}), 0.5)
    chat = f"{FEED}/{frames.request(3)['request_id']}/messages"
    assert one.hears(frames.feed(frames.request(3), frames.request(2)), 1) == [("subscribe", chat)]
    one.hears(frames.publish(chat, [{"_id": "m1"}, {"_id": "m2"}]), 0.25)
    assert one.after(0) == [("unsubscribe", topic) for topic in (MEMBER, FEED, chat)]

    inquiry = one.inquiry
    assert inquiry.is_done
    assert inquiry.members[P].entity == {"role": "owner"}
    assert (inquiry.feeds[P].size, inquiry.feeds[P].took) == (2, 1_500_000)
    assert (inquiry.chats[P].size, inquiry.chats[P].took) == (2, 250_000)


def test_silence_ends_with_patience(asking, frames):
    one = asking()
    one.said()
    one.hears(frames.feed())
    assert one.after(14.9) == []
    assert one.after(0.2) == [("unsubscribe", MEMBER), ("unsubscribe", FEED)]
    assert one.inquiry.members[P].took is None
    assert one.inquiry.feeds[P].size == 0


@pytest.mark.parametrize("message", [None, [], [{}], [7], [{"request_id": "a/b"}]])
def test_without_a_chat_none_is_asked_for(asking, frames, message):
    one = asking(user=None)
    assert one.said() == [("subscribe", FEED)]
    assert one.hears(frames.publish(FEED, message)) == []
    assert one.after(0) == [("unsubscribe", FEED)]
    assert one.inquiry.feeds[P].size == (None if message is None else len(message))


def test_no_more_are_asked_than_may_wait(asking, frames):
    projects = [f"{number:024x}" for number in range(IN_FLIGHT + 2)]
    one = asking(*projects, user=None)
    assert len(one.said()) == IN_FLIGHT
    assert one.hears(frames.feed(project=projects[0])) == [
        ("subscribe", f"/{projects[IN_FLIGHT]}/requests")
    ]
    assert one.after(16) == [("subscribe", f"/{projects[-1]}/requests")]


def test_it_listens_for_the_clock_only_when_asked_to(asking, frames):
    one = asking(user=None, listen=True)
    one.said()
    one.hears(frames.feed())
    assert one.after(LISTEN / SECOND - 1) == []
    one.hears(frames.update(frames.request(1)))
    assert one.inquiry.skew == one.now
    assert one.after(0) == [("unsubscribe", FEED)]


def test_it_does_not_listen_for_ever(asking, frames):
    one = asking(user=None, listen=True)
    one.said()
    one.hears(frames.feed())
    one.after(0)
    assert one.after(LISTEN / SECOND) == [("unsubscribe", FEED)]
    assert one.inquiry.skew is None


def test_it_answers_pings_and_believes_no_other_client(asking, frames):
    one = asking(user=None, listen=True)
    one.said()
    assert one.hears(b'{"action":"heartbeat","payload":{"message":{"text":"ping"}}}') == [
        ("heartbeat", None)
    ]
    one.hears(frames.publish(FEED, [], None))
    one.hears(frames.publish(FEED, frames.request(1), None))
    one.hears(b"not json")
    one.inquiry.received(b"\xff", True, NOON)
    assert one.inquiry.skew is None
    assert one.inquiry.feeds[P].took is None


def test_an_answer_nobody_asked_for_is_none(asking, frames):
    one = asking(user=None)
    one.said()
    one.hears(frames.feed(project=Q))
    one.hears(frames.feed(frames.request(1)))
    one.hears(frames.feed())
    assert one.inquiry.feeds[P].size == 1
    assert not one.inquiry.is_done
