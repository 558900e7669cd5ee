"""The outside of frames: topic, method, and where each entity's text stands, for any bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.frames import Topic, elements, mend, read_frame, read_topic, read_value

P = "65f0a1b2c3d4e5f601234567"
NAMES = [
    "agent_view.frames.jsonl.gz",
    "forty_chats/frames.jsonl.gz",
    "four_chats.frames.jsonl.gz",
    "owner_view.frames.jsonl.gz",
    "server_restart.frames.jsonl.gz",
    "silent_client.frames.jsonl.gz",
    "subscribed_twice.frames.jsonl.gz",
]

TOPICS = {
    f"/{P}/requests": Topic(P, "request"),
    f"/{P}/requests/R": Topic(P, "request", "R", single=True),
    f"/{P}/requests/R/messages": Topic(P, "message", "R"),
    f"/{P}/project_users/users/U": Topic(P, "agent", agent_id="U"),
    f"/{P}/project_users/PU": Topic(P, "agent"),
    f"/{P}/events/any/thing": Topic(P, "event"),
    f"/{P}/bots/B": Topic(P, "bot"),
    "": None,
    "/": None,
    f"{P}/requests": None,
    f"/{P}": None,
    f"/{P}/unheard_of": None,
    f"/{P}/requests/R/else": None,
    "//requests": None,
    "/../requests": None,
    "/.hidden/requests": None,
    "/_unknown/requests": None,
    "/a%2Fb/requests": None,
    "/" + "p" * 65 + "/requests": None,
    f"/{P}/requests/" + "r" * 1000: None,
}


def frame(message, topic=f"/{P}/requests", method="CREATE"):
    payload = {"topic": topic, "method": method}
    return json.dumps({"action": "publish", "payload": payload | {"message": message}}).encode()


@pytest.mark.parametrize("text", TOPICS)
def test_a_topic_names_project_kind_and_entity_or_nothing(text):
    assert read_topic(text) == TOPICS[text]


SNAPSHOTS = [
    (f"/{P}/requests", "CREATE", [], True),
    (f"/{P}/requests", "CREATE", [{}], True),
    (f"/{P}/requests", "CREATE", {}, False),  # a new chat
    (f"/{P}/requests", "UPDATE", [{}], False),
    (f"/{P}/requests/R", "CREATE", {}, True),
    (f"/{P}/requests/R", "CREATE", None, True),
    (f"/{P}/requests/R", "UPDATE", {}, False),
    (f"/{P}/requests/R/messages", "CREATE", [{}, {}], True),
    (f"/{P}/requests/R/messages", "CREATE", {}, False),  # a new message
    (f"/{P}/project_users/users/U", "CREATE", {}, True),
    (f"/{P}/project_users/users/U", "CREATE", None, True),
    (f"/{P}/project_users/users/U", "UPDATE", {}, False),
    (f"/{P}/unheard_of", "CREATE", [], False),
    (f"/{P}/requests", None, [], False),
]


@pytest.mark.parametrize(("topic", "method", "message", "is_snapshot"), SNAPSHOTS)
def test_a_snapshot_is_told_from_a_new_entity(topic, method, message, is_snapshot):
    assert read_frame(frame(message, topic, method)).is_snapshot is is_snapshot


OUTSIDES = {
    b"": "unparsed",
    b"null": "unparsed",
    b"true": "unparsed",
    b"[]": "unparsed",
    b"{}": "unparsed",
    b'"publish"': "unparsed",
    b'{"action":"publish"}': "unparsed",
    b'{"action":"publish","payload":null}': "unparsed",
    b'{"action":"publish","payload":[]}': "unparsed",
    b'{"action":"publish","payload":{"topic":null,"method":"CREATE"}}': "unparsed",
    b'{"action":"publish","payload":{"topic":["/p/requests"],"method":"CREATE"}}': "unparsed",
    b'{"action":"subscribe","payload":{"topic":"/p/requests"}}': "unparsed",
    b'{"action":["publish"],"payload":{"topic":"/p/requests","method":"CREATE"}}': "unparsed",
    b'{"action":"publish","payload":{"topic":"/p/x","method":"CREATE"}}': "unparsed",
    b'{"action":"publish","payload":{"topic":"/p/requests","method":"CREATE"}': "unparsed",
    b'{"action":"publish","payload":{"topic":"/p/requests","method":"CREATE"}}}': "unparsed",
    b"\xef\xbb\xbf{}": "unparsed",
    b"\xff\xfe\x00": "unparsed",
    b'{"action":"publish","payload":{"topic":"/p/requests","method":"CREATE"}}': "request",
    b'{"action":"publish","payload":{"topic":"/p/requests","method":null}}': "untrusted",
    b'{"action":"publish","payload":{"topic":"/p/requests","method":5}}': "untrusted",
    b'{"action":"publish","payload":{"topic":"/p/requests"}}': "untrusted",
    b'{"action":"publish","payload":{"topic":"/p/x"}}': "untrusted",
    b'{"action":"heartbeat"}': "heartbeat",
    b'{"action":"heartbeat","payload":{"message":{"text":"ping"}}}': "heartbeat",
    b'{"payload":{"message":{"text":"pong"}},"action":"heartbeat"}': "heartbeat",
}


@pytest.mark.parametrize("data", OUTSIDES, ids=repr)
def test_a_frame_says_what_it_is_or_is_unparsed(data):
    assert read_frame(data).kind == OUTSIDES[data]


@pytest.mark.parametrize(
    "data",
    [
        b'{"action":"publish","payload":{"topic":"/p/requests","method":"UPDATE","message":{},"n":1}}',
        b'{"action":"publish","payload":{"topic":"/p/requests","method":"UPDATE","message":{}},"n":1}',
        (
            b'{"n":{"action":"x"},"action":"publish","payload":'
            b'{"message":{},"topic":"/p/requests","method":"UPDATE"}}'
        ),
    ],
)
def test_an_envelope_with_unknown_keys_is_read_and_marked_to_be_kept_whole(data):
    found = read_frame(data)

    assert (found.kind, found.message, found.whole) == ("request", b"{}", True)


def test_spaces_around_the_parts_of_a_frame_do_not_belong_to_them():
    data = (
        b' {"action" : "publish", "payload" : {"topic" : "/p/requests" , "method" : "CREATE" ,'
        b'\n"message" : [ {"a" : 1} , 2 ,\t"x" ] } } '
    )

    found = read_frame(data)

    assert found.message == b'[ {"a" : 1} , 2 ,\t"x" ]'
    assert elements(found.message) == [b'{"a" : 1}', b"2", b'"x"']


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data):
    read_frame(data)
    elements(data)
    read_value(data)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists), st.booleans())
def test_the_elements_of_an_array_are_its_values_and_anything_else_is_its_own(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    found = [json.loads(part) for part in elements(text)]

    assert found == (value if isinstance(value, list) else [value])


HIGH, LOW = "\\ud83d", "\\ude00"
LONE = {
    HIGH + LOW: HIGH + LOW,
    HIGH: "\\ufffd",
    LOW: "\\ufffd",
    LOW + HIGH: "\\ufffd\\ufffd",
    HIGH + HIGH + LOW: "\\ufffd" + HIGH + LOW,
    HIGH + LOW + LOW: HIGH + LOW + "\\ufffd",
    HIGH + "\\u0041": "\\ufffd\\u0041",
    "\\\\" + HIGH: "\\\\\\ufffd",
    "\\\\ud83d": "\\\\ud83d",  # an escaped backslash before plain letters
    "\\n" + HIGH + "\\n": "\\n\\ufffd\\n",
    "\\uD83D": "\\ufffd",
    "\\uDBFF\\uDFFF": "\\uDBFF\\uDFFF",
}


@pytest.mark.parametrize("text", LONE)
def test_a_lone_surrogate_is_mended_in_place_and_a_pair_left_alone(text):
    assert mend(f'"{text}"'.encode()).decode() == f'"{LONE[text]}"'


@given(st.text(st.characters(categories=["Cs", "L", "P"]), max_size=20))
def test_mending_keeps_the_length_and_everything_but_lone_surrogates(text):
    data = json.dumps(text).encode()

    mended = mend(data)

    assert len(mended) == len(data)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert len(json.loads(mended)) == len(json.loads(data))
    assert (mended == data) == ("\ufffd" not in whole or "\ufffd" in text)


def test_lone_surrogates_leave_the_text_of_each_element_as_it_came():
    message = rb'[{"text":"\ud83d"},{"text":"\ud83d\ude00"},{"text":"\udead","\ude00":1}]'
    head = b'{"action":"publish","payload":{"topic":"/p/requests","method":"CREATE","message":'

    found = read_frame(head + message + b"}}")

    assert found.message == message
    assert b"[" + b",".join(elements(found.message)) + b"]" == message


def test_elements_that_are_alike_when_mended_keep_their_own_texts():
    texts = [rb'"\ufffd"', rb'"\ud800"', rb'"\udbff"']

    assert elements(b"[" + b",".join(texts) + b"]") == texts


def test_a_slice_that_could_stand_at_two_places_is_not_guessed():
    data = (
        rb'{"action":"publish","payload":{"message":{"a":"\ud800"},"topic":"/p/requests",'
        rb'"method":"CREATE","more":{"a":"\ufffd"}}}'
    )

    assert read_frame(data).kind == "unparsed"
