"""Rows of frames: every shape of garbage is kept, every wrong type is null and named."""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import contract
from archiver.columns import arrow
from archiver.extract import EPOCH, read, read_time, spelled, typed
from archiver.records import TEXT, Record

P = "65f0a1b2c3d4e5f601234567"
FEED = f"/{P}/requests"
TALK = f"/{P}/requests/support-group-{P}-1/messages"
TOPICS = {"request": FEED, "message": TALK, "agent": f"/{P}/project_users/users/U"}


def frame(
    message: bytes, topic: str = FEED, method: str | None = "CREATE", more: str = ""
) -> bytes:
    head = f'"topic":"{topic}",' + (f'"method":"{method}",' if method else "")
    return (
        f'{{"action":"publish","payload":{{{head}"message":'.encode()
        + message
        + f"}}{more}}}".encode()
    )


def rows(data: bytes) -> list[dict]:
    return [spelled(row) for row in read(Record(0, 0, 0, TEXT, data))[1]]


def one(data: bytes) -> dict:
    (row,) = rows(data)
    return row


def fits(found) -> bool:
    """Tell whether rows go into the archive's columns."""
    return arrow(list(found)).num_rows > 0


UNREADABLE = {
    "nothing": b"",
    "no JSON": b"hello",
    "JSON of another shape": b'{"some":["thing"]}',
    "null": b"null",
    "a number": b"42",
    "cut short": frame(b'{"_id":"a"}')[:-1],
    "two values": frame(b"{}") + b"{}",
    "NaN": frame(b'{"waiting_time":NaN}'),
    "deep": frame(b"[" * 100_000 + b"]" * 100_000),
    "deep in an entity": frame(b'{"_id":"a","tags":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep and mended": frame(b'["\\ud800",' + b"[" * 100_000 + b"]" * 100_000 + b"]"),
    "a topic of no known form": frame(b"{}", f"/{P}/unheard_of"),
    "a topic that is no project": frame(b"{}", "/../requests"),
    "a control character": frame(b'{"text":"\x01"}'),
    "another action": b'{"action":"subscribe","payload":{"topic":"/p/requests"}}',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_one_row_that_holds_the_frame(name):
    row = one(UNREADABLE[name])

    assert row["kind"] == "unparsed"
    assert row["project_id"] == contract.UNKNOWN_PROJECT
    assert row["payload"].encode() == UNREADABLE[name]
    assert fits([row])


@pytest.mark.parametrize("data", [b"\xff\xfe", bytes(range(256)), b'{"a":"\xe4"}'], ids=repr)
def test_what_is_not_utf8_is_kept_as_base64(data):
    row = one(data)

    assert (row["kind"], row["encoding"]) == ("unparsed", "base64")
    assert base64.b64decode(row["payload"]) == data


def test_bytes_that_are_no_utf8_inside_an_entity_are_kept_and_the_rest_is_read():
    row = one(frame(b'{"_id":"a","text":"\xe4"}', TALK))

    assert (row["kind"], row["encoding"]) == ("message", "base64")
    assert base64.b64decode(row["payload"]) == b'{"_id":"a","text":"\xe4"}'
    assert fits([row])


@pytest.mark.parametrize("text", [b"null", b"[]", b"[ ]", b"42", b'"hello"', b"true", b"[[]]"])
def test_a_message_that_is_no_entity_is_a_row_without_columns(text):
    row = one(frame(text))

    assert row["kind"] == "request"
    assert row["payload"].encode() in (text, text[1:-1])
    assert "entity_id" not in row
    assert "mistyped" not in row


def test_an_absent_message_is_a_row_without_text():
    row = one(b'{"action":"publish","payload":{"topic":"/p/requests","method":"CREATE"}}')

    assert (row["kind"], row["payload"], row["project_id"]) == ("request", "", "p")


def test_each_element_of_an_array_is_a_row_with_its_own_text():
    found = list(rows(frame(b'[{"_id":"a"} , {"_id" : "b"}, null,5]')))

    assert [row["payload"] for row in found] == ['{"_id":"a"}', '{"_id" : "b"}', "null", "5"]
    assert [row["element"] for row in found] == [0, 1, 2, 3]
    assert [row.get("entity_id") for row in found] == ["a", "b", None, None]
    assert all(row["is_snapshot"] for row in found)


def test_an_envelope_with_unknown_keys_is_kept_whole_beside_its_entities():
    data = frame(b'[{"_id":"a"},{"_id":"b"}]', more=',"more":{"than":"we know"}')

    whole, first, second = rows(data)

    assert (whole["kind"], whole["element"], whole["project_id"]) == ("unparsed", -1, P)
    assert whole["payload"].encode() == data
    assert [first["entity_id"], second["entity_id"]] == ["a", "b"]


@pytest.mark.parametrize("method", ["", '"method":null,', '"method":["CREATE"],'])
def test_a_frame_without_a_method_is_untrusted_and_fills_no_typed_column(method):
    entity = b'{"_id":"a","request_id":"r","status":1000,"createdAt":"2026-11-23T10:00:00.000Z"}'
    head = f'{{"action":"publish","payload":{{"topic":"{FEED}",{method}"message":'.encode()

    row = one(head + entity + b"}}")

    assert row["kind"] == "untrusted"
    assert row["payload"].encode() == entity
    assert (row["entity_id"], row["request_id"]) == ("a", "r")
    assert not row["is_snapshot"]
    assert not {column.name for column in contract.TYPED} & row.keys()


@pytest.mark.parametrize(
    "text", [b'{"action":"heartbeat"}', b'{"payload":{},"action":"heartbeat"}']
)
def test_a_heartbeat_is_no_row(text):
    assert list(rows(text)) == []


def test_lone_surrogates_cost_the_fields_that_hold_them_and_not_a_byte_of_text():
    first = rb'{"_id":"a","request_id":"r\udead","language":"\ud83d","status":200}'
    second = rb'{"_id":"\ud800","id":"b","tags":["\ud83d\ude00"],"priority":"low"}'

    found = list(rows(frame(b"[" + first + b"," + second + b"]")))

    assert [row["payload"].encode() for row in found] == [first, second]
    assert [row["entity_id"] for row in found] == ["a", "b"]
    assert (found[0]["status"], found[0]["mistyped"]) == (200, ["language"])
    assert (found[1]["tags"], found[1]["priority"]) == (["\U0001f600"], "low")
    assert fits(found)


@pytest.mark.slow
def test_a_frame_of_twenty_megabytes_is_cut_to_its_elements():
    entity = b'{"_id":"a","request_id":"r","status":200,"text":"' + b"x" * 20_000 + b'"}'
    data = frame(b"[" + b",".join([entity] * 1000) + b"]")

    found = list(rows(data))

    assert len(data) > 20_000_000
    assert len(found) == 1000
    assert all(row["payload"].encode() == entity for row in found)


FORMS = [
    ("request", {"department": "D"}, {"department_id": "D", "department_name": None}),
    (
        "request",
        {"department": {"_id": "D", "name": "Sales"}},
        {"department_id": "D", "department_name": "Sales"},
    ),
    (
        "request",
        {"department": "D", "snapshot": {"department": {"name": "Sales"}}},
        {"department_id": "D", "department_name": "Sales"},
    ),
    ("request", {"lead": {"lead_id": "L"}, "requester": {"uuid_user": "X"}}, {"lead_id": "L"}),
    ("request", {"lead": "5f", "requester": {"uuid_user": "X"}}, {"lead_id": "X"}),
    ("request", {"snapshot": {"requester": {"uuid_user": "X"}}}, {"lead_id": "X"}),
    ("request", {"participants": ["a", {"_id": "b"}]}, {"participants": ["a", "b"]}),
    ("request", {"participants": []}, {"participants": []}),
    ("request", {"tags": ["a", {"tag": "b", "color": "red"}]}, {"tags": ["a", "b"]}),
    (
        "request",
        {"participatingAgents": [{"_id": "U", "firstname": "Ann", "lastname": "Lee"}]},
        {"agent_names": [{"id": "U", "name": "Ann Lee"}]},
    ),
    (
        "request",
        {"attributes": {"abandoned_by_project_users": {"PU": 1_700_000_000_000}}},
        {"abandoned_by": [{"project_user_id": "PU", "left_at": 1_700_000_000_000_000}]},
    ),
    ("request", {"waiting_time": 5.0, "rating": 4}, {"waiting_time_ms": 5, "rating": 4.0}),
    ("agent", {"id_user": "U"}, {"agent_id": "U", "agent_names": None}),
    (
        "agent",
        {"id_user": {"_id": "U", "firstname": "Ann", "lastname": None}},
        {"agent_id": "U", "agent_names": [{"id": "U", "name": "Ann"}]},
    ),
    ("agent", {"uuid_user": "U", "isBusy": False}, {"agent_id": "U", "busy": False}),
    ("message", {"request": {"status": 1000, "duration": 9}}, {"status": 1000, "duration_ms": 9}),
    ("message", {"status": 150}, {"message_status": 150, "status": None}),
    ("message", {"text": "\\agent now"}, {"message_action": "\\agent", "text_length": 10}),
    ("message", {"text": "a\\b"}, {"message_action": None, "text_length": 3}),
    ("message", {"text": ""}, {"message_action": None, "text_length": 0}),
]


@pytest.mark.parametrize(("kind", "entity", "expected"), FORMS)
def test_the_forms_that_the_server_sends_are_one_form_in_the_archive(kind, entity, expected):
    row = one(frame(json.dumps(entity).encode(), TOPICS[kind]))

    assert {name: row.get(name) for name in expected} == expected
    assert "mistyped" not in row
    assert fits([row])


WRONG = {
    "time": [
        5,
        True,
        "yesterday",
        "2026-11-23T10:00:00",
        "0001-01-01T00:00:00+23:00",
        [],
        "Z" * 50,
    ],
    "text": [5, True, [], {}, "\ud800"],
    "id": [5, [], {}, {"_id": 5}, {"_id": None}],
    "command": [5, [], {"name": "x"}],
    "integer": ["5", 5.5, True, 2**63, -(2**63) - 1, 1e300, [], {}],
    "length": [5, [], {}],
    "number": ["5", True, [], {}, 10**400],
    "flag": [0, 1, "true", [], {}],
    "texts": ["a", 5, {}, [5], [None], [["a"]], ["\ud800"]],
    "tags": ["a", 5, {}, [5], [{"tag": 5}], [{}]],
    "names": [5, [5], [{"_id": 5}], [{}], [None]],
    "leaves": [5, "x", [], {"a": "x"}, {"a": 2**50}, {"a": None}, {"\ud800": 1}],
}


def nested(path: str, value: object) -> dict:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


CASES = [
    pytest.param(kind, column.name, path, WRONG[column.type], id=f"{kind} {column.name} {path}")
    for column in contract.TYPED
    for kind, paths in column.paths.items()
    for path in paths
]


@pytest.mark.parametrize(("kind", "name", "path", "values"), CASES)
def test_a_value_of_a_wrong_type_is_null_named_and_kept_in_the_payload(kind, name, path, values):
    for value in values:
        text = json.dumps(nested(path, value)).encode()

        row = one(frame(text, TOPICS[kind]))

        assert row.get(name) is None
        assert name in row["mistyped"]
        assert row["payload"].encode() == text
        assert fits([row])


@pytest.mark.parametrize(("kind", "name", "path", "values"), CASES)
def test_null_and_absent_are_the_same_and_no_fault(kind, name, path, values):
    row = one(frame(json.dumps(nested(path, None)).encode(), TOPICS[kind]))

    assert name not in row
    assert name not in row.get("mistyped", ())


def test_a_wrong_type_in_one_place_gives_way_to_a_right_one_in_the_next():
    row = typed("request", {"lead": {"lead_id": 5}, "requester": {"uuid_user": "X"}})

    assert row == {"lead_id": "X"}


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2026-11-23T10:00:00.123Z", 1_795_428_000_123_000),
        ("2026-11-23T11:00:00.123+01:00", 1_795_428_000_123_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ],
)
def test_a_time_is_microseconds_since_1970_by_utc(text, micros):
    assert read_time(text) == micros


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1971, 1, 1)))
def test_any_time_with_a_zone_is_the_instant_that_it_names(moment):
    expected = (moment - EPOCH).total_seconds()
    found = read_time(moment.isoformat()) / 1e6

    assert found == pytest.approx(expected, abs=86_400 if moment.fold else 1e-3)
