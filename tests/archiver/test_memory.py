"""What is followed, learnt from frames alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.frames import read_frame
from archiver.memory import Memory, is_followable

P = "65f0a1b2c3d4e5f601234567"
AGENT = "65f0a1b2c3d4e5f60000000a"


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def tell(memory, frames):
    """Tell the memory of chats, each in a frame of its own; return the ids that it took."""

    def tell_(*requests):
        return [rid for one in requests for rid in memory.learn(read_frame(frames.update(one)))]

    return tell_


def chats(memory):
    """Return what is followed: id → is open, or whether the close's details are known."""
    found = memory.project(P).chats
    return {
        rid[-1]: "open" if c.is_open else ("detailed" if c.detailed else "closed")
        for rid, c in found.items()
    }


def test_an_open_chat_is_followed(memory, tell, frames):
    request = frames.request(1)

    assert tell(request) == [request["request_id"]]
    assert chats(memory) == {"1": "open"}


@pytest.mark.parametrize(
    "fields",
    [{"draft": True}, {"preflight": True}, {"status": 50}],
    ids=["draft", "preflight", "50"],
)
def test_a_chat_that_may_never_be_heard_of_again_is_not_followed(memory, tell, frames, fields):
    tell(frames.request(1) | fields)

    assert chats(memory) == {}


def test_a_close_with_its_details_is_remembered_of_a_chat_that_was_open(memory, tell, frames):
    tell(frames.request(1), frames.request(1, 1000, second=5))

    assert chats(memory) == {"1": "detailed"}


def test_a_close_without_details_is_remembered_as_such(memory, tell, frames):
    tell(frames.request(1), frames.request(1, 1000, second=5, closed_at=None))

    assert chats(memory) == {"1": "closed"}


def test_the_old_closed_at_of_a_reopened_chat_is_no_detail_of_its_new_close(memory, tell, frames):
    old = "2026-11-23T11:30:00.000Z"

    tell(frames.request(1, closed_at=old), frames.request(1, 1000, second=5, closed_at=old))

    assert chats(memory) == {"1": "closed"}


def test_details_that_come_later_are_taken(memory, tell, frames):
    tell(frames.request(1), frames.request(1, 1000, second=5, closed_at=None))

    tell(frames.request(1, 1000, second=5.2))

    assert chats(memory) == {"1": "detailed"}


def test_a_closed_chat_that_was_never_open_matters_only_without_its_details(memory, tell, frames):
    tell(frames.request(1, 1000), frames.request(2, 1000, closed_at=None))

    assert chats(memory) == {"2": "closed"}


def test_a_reopened_chat_is_open_again(memory, tell, frames):
    tell(frames.request(1), frames.request(1, 1000, second=5), frames.request(1, second=6))

    assert chats(memory) == {"1": "open"}


@pytest.mark.parametrize("second", [3, 5])
def test_an_open_version_that_was_overtaken_by_the_close_opens_nothing(
    memory, tell, frames, second
):
    tell(frames.request(1), frames.request(1, 1000, second=5), frames.request(1, second=second))

    assert chats(memory) == {"1": "detailed"}


def closing_message(frames, **request):
    nested = frames.request(1, 1000, second=5) | request
    entity = {"attributes": {"messagelabel": {"key": "CHAT_CLOSED"}}, "request": nested}
    return read_frame(frames.publish(f"/{P}/requests/{nested['request_id']}/messages", entity))


def test_the_closing_message_brings_the_details(memory, tell, frames):
    tell(frames.request(1), frames.request(1, 1000, second=5, closed_at=None))

    memory.learn(closing_message(frames))

    assert chats(memory) == {"1": "detailed"}


@pytest.mark.parametrize(
    "request_",
    [{"closed_at": None}, {"closed_at": 5}, {"request_id": 7}, {"request_id": "another"}],
    ids=str,
)
def test_a_closing_message_without_details_brings_none(memory, tell, frames, request_):
    tell(frames.request(1), frames.request(1, 1000, second=5, closed_at=None))

    memory.learn(closing_message(frames, **request_))

    assert chats(memory)["1"] == "closed"


def test_agents_are_learnt_from_chats_and_from_their_own_topics(memory, tell, frames):
    other, third = AGENT[:-1] + "b", AGENT[:-1] + "c"
    tell(
        frames.request(1, participantsAgents=[AGENT, "bot_1", 5, AGENT.upper() + "x"]),
        frames.request(2, snapshot={"agents": [{"id_user": other}, {"id_user": None}, 5]}),
    )
    memory.learn(read_frame(frames.publish(f"/{P}/project_users/users/{third}", {})))
    memory.learn(read_frame(frames.publish(f"/{P}/project_users/65f0a1b2", {})))

    assert list(memory.project(P).agents) == [AGENT, other, third]


def test_another_clients_frame_teaches_nothing(memory, frames):
    told = memory.learn(
        read_frame(frames.publish(f"/{P}/requests", frames.request(1), method=None))
    )

    assert told == []
    assert memory.projects == {}


def test_projects_are_apart(memory, frames):
    memory.learn(read_frame(frames.feed(frames.request(1), project="one")))
    memory.learn(read_frame(frames.feed(frames.request(2), project="two")))

    counts = {name: len(known.chats) for name, known in memory.projects.items()}
    assert counts == {"one": 1, "two": 1}


@pytest.mark.parametrize("rid", ["", "a/b", "a\nb", "x" * 500, "\x00"])
def test_a_name_that_cannot_stand_in_a_topic_is_not_followed(memory, tell, frames, rid):
    assert not is_followable(rid)
    assert tell(frames.request(1, request_id=rid)) == []
    assert chats(memory) == {}


BROKEN = [
    {"request_id": 5},
    {"status": "200"},
    {"status": None},
    {"status": True},
    {"request_id": None},
]


@pytest.mark.parametrize("fields", BROKEN, ids=str)
def test_a_chat_of_another_shape_is_passed_over(memory, tell, frames, fields):
    assert tell(frames.request(1) | fields) == []


def test_one_broken_chat_of_a_snapshot_costs_the_others_nothing(memory, frames):
    told = memory.learn(
        read_frame(frames.feed(None, 5, "x", [], {"status": {}}, frames.request(1)))
    )

    assert len(told) == 1


@given(st.binary(max_size=200))
def test_no_bytes_raise(data):
    memory = Memory()
    memory.learn(read_frame(data))
    head = f'{{"action":"publish","payload":{{"topic":"/{P}/requests","method":"UPDATE","message":'
    memory.learn(read_frame(head.encode() + data + b"}}"))


def test_what_is_known_survives_json(memory, tell, frames):
    tell(
        frames.request(1, participantsAgents=[AGENT]),
        frames.request(2),
        frames.request(2, 1000, second=5),
        frames.request(3, 1000, closed_at=None),
    )

    again = Memory.from_json(json.loads(json.dumps(memory.to_json())))

    assert again.projects == memory.projects
    assert chats(again) == {"1": "open", "2": "detailed", "3": "closed"}
