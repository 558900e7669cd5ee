"""Rows of what a real server sent, against a slow reader that shares no code with ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import contract
from archiver.extract import read, spelled
from archiver.records import TEXT, Record

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
DECODER = json.JSONDecoder()


def rows(data):
    return [spelled(row) for row in read(Record(0, 0, 0, TEXT, data))[1]]


# The slow slicer: where each value stands in a text, told by the standard library's decoder.


def after_spaces(text, at):
    while text[at] in " \t\r\n":
        at += 1
    return at


def members(text, at):
    """Return the texts of an object's values, by key."""
    found = {}
    at = after_spaces(text, at + 1)
    while text[at] != "}":
        key, at = DECODER.raw_decode(text, at)
        start = after_spaces(text, after_spaces(text, at) + 1)
        _, end = DECODER.raw_decode(text, start)
        found[key] = text[start:end]
        at = after_spaces(text, end)
        at = after_spaces(text, at + 1) if text[at] == "," else at
    return found


def items(text):
    """Return the texts of an array's elements, or the text itself if it is none."""
    if text[0] != "[":
        return [text]
    found = []
    at = after_spaces(text, 1)
    while text[at] != "]":
        _, end = DECODER.raw_decode(text, at)
        found.append(text[at:end])
        at = after_spaces(text, end)
        at = after_spaces(text, at + 1) if text[at] == "," else at
    return found or [text]


def parts(text):
    """Return the text of the message's entities, None for a heartbeat."""
    envelope = members(text, after_spaces(text, 0))
    if envelope["action"] == '"heartbeat"':
        return None
    return items(members(envelope["payload"], 0)["message"])


@pytest.mark.parametrize("name", NAMES)
def test_every_entity_of_a_real_frame_is_a_row_of_exactly_the_text_received(captured, name):
    entities = 0
    for data in captured(name):
        expected = parts(data.decode())
        found = list(rows(data))

        assert [row["payload"] for row in found] == (expected or [])
        assert [row["element"] for row in found] == list(range(len(found)))
        entities += len(found)

    assert entities > 10


# The plain reader: columns as a person would read them from the documents.


def micros(text):
    if text is None:
        return None
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def at(entity, path):
    for key in path.split("."):
        entity = entity.get(key) if isinstance(entity, dict) else None
    return entity


def ident(value):
    return value.get("_id") if isinstance(value, dict) else value


def tag_names(entity):
    tags = entity.get("tags")
    return None if tags is None else [t["tag"] if isinstance(t, dict) else t for t in tags]


def lead(entity):
    found = at(entity, "lead.lead_id") or at(entity, "snapshot.lead.lead_id")
    return found or at(entity, "requester.uuid_user") or at(entity, "snapshot.requester.uuid_user")


PLAIN = {
    "request": {
        "entity_id": lambda e: e["_id"],
        "request_id": lambda e: e["request_id"],
        "created_at": lambda e: micros(e.get("createdAt")),
        "updated_at": lambda e: micros(e.get("updatedAt")),
        "assigned_at": lambda e: micros(e.get("assigned_at")),
        "first_response_at": lambda e: micros(e.get("first_response_at")),
        "closed_at": lambda e: micros(e.get("closed_at")),
        "closed_by": lambda e: e.get("closed_by"),
        "status": lambda e: e.get("status"),
        "preflight": lambda e: e.get("preflight"),
        "draft": lambda e: e.get("draft"),
        "has_bot": lambda e: e.get("hasBot"),
        "waiting_time_ms": lambda e: e.get("waiting_time"),
        "duration_ms": lambda e: e.get("duration"),
        "rating": lambda e: e.get("rating"),
        "participants": lambda e: e.get("participants"),
        "agents": lambda e: e.get("participantsAgents"),
        "bots": lambda e: e.get("participantsBots"),
        "department_id": lambda e: ident(e.get("department")),
        "channel": lambda e: at(e, "channel.name"),
        "tags": tag_names,
        "lead_id": lead,
        "language": lambda e: e.get("language"),
        "priority": lambda e: e.get("priority"),
        "source_page": lambda e: e.get("sourcePage"),
        "ticket_id": lambda e: e.get("ticket_id"),
        "working_status": lambda e: e.get("workingStatus"),
        "smart_assignment": lambda e: e.get("smartAssignment"),
        "created_by": lambda e: e.get("createdBy"),
    },
    "message": {
        "entity_id": lambda e: e["_id"],
        "created_at": lambda e: micros(e.get("createdAt")),
        "sender": lambda e: e.get("sender"),
        "message_status": lambda e: e.get("status"),
        "message_type": lambda e: e.get("type"),
        "message_subtype": lambda e: at(e, "attributes.subtype"),
        "message_label": lambda e: at(e, "attributes.messagelabel.key"),
        "text_length": lambda e: None if e.get("text") is None else len(e["text"]),
        "status": lambda e: at(e, "request.status"),
        "closed_at": lambda e: micros(at(e, "request.closed_at")),
        "closed_by": lambda e: at(e, "request.closed_by"),
        "duration_ms": lambda e: at(e, "request.duration"),
        "channel": lambda e: at(e, "channel.name"),
        "language": lambda e: e.get("language"),
    },
    "agent": {
        "entity_id": lambda e: e["_id"],
        "created_at": lambda e: micros(e.get("createdAt")),
        "updated_at": lambda e: micros(e.get("updatedAt")),
        "agent_id": lambda e: ident(e.get("id_user")) or e.get("uuid_user"),
        "available": lambda e: e.get("user_available"),
        "profile_status": lambda e: e.get("profileStatus"),
        "busy": lambda e: e.get("isBusy"),
        "role": lambda e: e.get("role"),
        "trashed": lambda e: e.get("trashed"),
        "agent_state": lambda e: e.get("status"),
        "chat_limit": lambda e: e.get("max_assigned_chat"),
        "assigned_count": lambda e: e.get("number_assigned_requests"),
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_of_a_real_entity_are_those_that_plain_json_reads(captured, name):
    seen = set()
    for data in captured(name):
        for row in rows(data):
            entity = json.loads(row["payload"])
            if row["kind"] not in PLAIN or not isinstance(entity, dict):
                continue
            expected = {column: read(entity) for column, read in PLAIN[row["kind"]].items()}

            assert {column: row.get(column) for column in expected} == expected
            assert "mistyped" not in row
            seen.add(row["kind"])

    assert "request" in seen
    assert "message" in seen or "silent" in name


def test_the_frames_of_another_client_are_untrusted(captured):
    found = [row for data in captured(NAMES[3]) for row in rows(data) if row["kind"] == "untrusted"]

    assert len(found) == 2
    assert all("status" not in row for row in found)


# Anything at all.

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
surrogates = st.text(st.characters(categories=["Cs", "Lu"]), max_size=3)
values = st.recursive(
    leaves | surrogates,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(surrogates, inner, max_size=4),
    max_leaves=8,
)
entities = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("_id", "request_id", "status", "tags", "lead", "createdAt"), values),
)
topics = st.sampled_from([f"/{P}/requests", f"/{P}/requests/R/messages", f"/{P}/bots/B", "/x"])
payloads = st.fixed_dictionaries(
    {},
    optional={
        "topic": topics | values,
        "method": st.sampled_from(["CREATE", "UPDATE"]) | values,
        "message": values | entities | st.lists(entities, max_size=3),
        "more": values,
    },
)
published = st.fixed_dictionaries(
    {
        "topic": topics,
        "method": st.sampled_from(["CREATE", "UPDATE"]),
        "message": values | entities | st.lists(entities, max_size=3),
    },
    optional={"more": values},
)
envelopes = st.fixed_dictionaries(
    {"action": st.just("publish"), "payload": published}, optional={"more": values}
) | st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["publish", "heartbeat"]) | values,
        "payload": payloads | values,
        "more": values,
    },
)


def told(found, data):
    """Return what the rows hold, and what the frame held; a row of the whole frame holds it all."""
    whole = [row for row in found if row["kind"] == "unparsed"]
    if whole:
        return whole[0]["payload"].encode(), data
    held = [json.loads(row["payload"]) for row in found if row["payload"]]
    payload = json.loads(data)["payload"]
    if "message" not in payload:
        return held, []
    message = payload["message"]
    return held, message if isinstance(message, list) and message else [message]


@given(envelopes | values, st.booleans(), st.sampled_from([None, 1]))
def test_the_rows_of_any_frame_hold_all_of_its_text(value, ascii_only, indent):
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(
        "utf-8", "surrogatepass"
    )

    found = list(rows(data))

    if any("encoding" in row for row in found):
        return  # a lone surrogate spelled in bytes is no UTF-8: kept as it came, in base64
    if not found:
        assert value["action"] == "heartbeat"
        return
    assert all(row["payload"].encode() in data for row in found)
    held, received = told(found, data)
    assert held == received


@given(st.binary(max_size=300))
def test_any_bytes_are_at_least_one_row(data):
    assert list(rows(data))


@given(envelopes, st.data())
def test_a_frame_with_a_byte_changed_is_read_without_an_error(value, data):
    text = bytearray(json.dumps(value).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))

    for row in rows(bytes(text)):
        assert row["kind"] in contract.KINDS
