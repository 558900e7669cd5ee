"""Columns of many rows are those of each row alone, whatever the rows hold."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from archiver import columns, contract
from archiver.columns import arrow
from archiver.entities import KINDS
from archiver.extract import Row, cut, read, spelled
from archiver.frames import Frame, read_frame
from archiver.gathering import Gathering, table
from archiver.records import TEXT, Record

P = "65f0a1b2c3d4e5f601234567"
CHAT = f"support-group-{P}-1"
TOPICS = {
    "request": f"/{P}/requests",
    "message": f"/{P}/requests/{CHAT}/messages",
    "agent": f"/{P}/project_users/users/U",
    "bot": f"/{P}/bots/B",
}
CAPTURED = (
    "agent_view.frames.jsonl.gz",
    "forty_chats/frames.jsonl.gz",
    "four_chats.frames.jsonl.gz",
    "owner_view.frames.jsonl.gz",
    "server_restart.frames.jsonl.gz",
    "silent_client.frames.jsonl.gz",
    "subscribed_twice.frames.jsonl.gz",
)


def published(topic: str, message: bytes, method: bytes = b'"method":"UPDATE",') -> bytes:
    head = b'{"action":"publish","payload":{"topic":"%s",%b"message":' % (topic.encode(), method)
    return head + message + b"}}"


def received(data: bytes) -> tuple[Frame, list[Row]]:
    return read(Record(0, 0, 0, TEXT, memoryview(data)))


def holds(rows: list[Row]) -> None:
    """Hold the columns of rows to those of each row spelled out."""
    found = table(rows)

    assert found.schema.equals(contract.schema())
    assert found.equals(arrow([spelled(row) for row in rows]))


@pytest.mark.parametrize("name", CAPTURED)
def test_the_columns_of_what_a_server_sent_are_those_of_each_row(captured, name):
    rows = [row for data in captured(name) for row in received(data)[1]]

    holds(rows)
    assert len(rows) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_no_entity_that_a_server_sent_is_read_the_slow_way(captured, kind):
    rows = [row for data in captured(CAPTURED[1]) for row in received(data)[1]]
    group = [row for row in rows if row.kind == kind and row.text != b"[]"]

    assert columns.read(kind, group)[1] == set()
    assert len(group) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_no_frame_of_one_entity_that_a_server_sent_is_read_the_slow_way(captured, kind):
    read_ = [received(data) for data in captured(CAPTURED[1])]
    single = [rows[0] for frame, rows in read_ if frame.kind == kind and frame.message[:1] == b"{"]

    assert all(row.entity is not None for row in single)
    assert len(single) > 10


# Entities of the right shape, with anything in their places.

texts = st.text(max_size=9) | st.sampled_from(["", "\\agent now", "\\", "x\ty"])
times = st.sampled_from(
    [
        "2026-11-23T10:00:00.123Z",
        "2026-11-23T10:00:00Z",
        "2026-11-23 10:00:00.123Z",
        "2026-11-23T10:00:00.123456789Z",
        "2026-11-23T11:00:00.123+01:00",
        "2026-11-23T11:00:00+0100",
        "2026-11-23T24:00:00.000Z",
        "2026-11-23T23:59:60.000Z",
        "2026-02-30T10:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2026-11-23T10:00:00.123z",
        "2026-11-23T10:00:00.123",
        "2026-11-23T10:00:00.12ZZ",
        "２０２６-11-23T10:00:00.123Z",
        "yesterday",
    ]
) | st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([5.0, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 1e300, 10**400])
)
people = st.fixed_dictionaries(
    {"_id": texts},
    optional={"firstname": texts | st.none() | numbers, "lastname": texts, "name": texts},
)
RIGHT = {
    "time": times,
    "text": texts,
    "id": texts | people,
    "command": texts,
    "length": texts,
    "integer": st.integers(0, 1000),
    "number": st.integers(1, 5) | st.floats(1, 5),
    "flag": st.booleans(),
    "texts": st.lists(texts, max_size=3),
    "tags": st.lists(texts | st.fixed_dictionaries({"tag": texts}), max_size=3),
    "names": people | st.lists(people, max_size=2),
    "leaves": st.dictionaries(texts, st.integers(0, 2 * 10**12), max_size=2),
}
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts | times | people,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
PATHS = {
    kind: [
        (path, RIGHT[column.type])
        for column in contract.TYPED
        for path in column.paths.get(kind, ())
    ]
    for kind in KINDS
}
OWN = [("_id", texts), ("request_id", texts), ("id", texts)]


def put(entity: dict, path: str, value: object) -> None:
    *above, last = path.split(".")
    for key in above:
        inner = entity.get(key)
        entity[key] = entity = inner if isinstance(inner, dict) else {}
    entity[last] = value


@st.composite
def entities(draw, kind):
    """Draw an entity: mostly as it should be, with a few places that hold anything."""
    paths = [*OWN, *PATHS[kind]]
    entity: dict = {"_id": "a"}
    for path, right in draw(st.lists(st.sampled_from(paths), max_size=12)):
        put(entity, path, draw(right | st.none()))
    for path, _ in draw(st.lists(st.sampled_from(paths), max_size=2)):
        put(entity, draw(st.sampled_from([path, path.split(".")[0]])), draw(anything))
    return entity


@st.composite
def frames(draw):
    """Draw a frame: entities of a kind, of the server or of others, or bytes."""
    kind = draw(st.sampled_from([*KINDS, "bot"]))
    inner = entities(kind if kind in KINDS else "agent")
    message = draw(inner | inner | st.lists(inner, max_size=3) | anything)
    text = json.dumps(
        message, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
    )
    data = bytearray(
        published(
            TOPICS[kind],
            text.encode("utf-8", "surrogatepass"),
            draw(st.sampled_from([b'"method":"UPDATE",', b'"method":"CREATE",', b""])),
        )
    )
    if draw(st.integers(0, 9)) == 0:
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


@given(st.lists(frames(), min_size=1, max_size=6))
def test_the_columns_of_any_rows_are_those_of_each_row(datas):
    holds([row for data in datas for row in received(data)[1]])


def reads_alike(data: bytes) -> bool:
    """Hold the quick way of reading a frame to the slow one; tell whether it was taken."""
    frame, rows = received(data)
    slow = read_frame(data)

    assert [replace(row, entity=None, connection=None) for row in rows] == cut(data, slow)
    assert (frame.kind, frame.topic, frame.method, frame.about, frame.whole) == (
        slow.kind,
        slow.topic,
        slow.method,
        slow.about,
        slow.whole,
    )
    assert frame.is_snapshot is slow.is_snapshot
    return any(row.entity for row in rows)


@given(frames())
def test_a_frame_is_read_alike_both_ways(data):
    reads_alike(data)


HEAD = b'{"action":"publish","payload":{"topic":"/%s/requests","method":"UPDATE",' % P.encode()


@pytest.mark.parametrize(
    ("data", "is_quick"),
    [
        (HEAD + b'"message":{"_id":"a"}}}', True),
        (HEAD + b'"message":{"_id":"a"},"x":{}}}', False),
        (HEAD + b'"message":{"_id":"a"},"message":{"_id":"b"}}}', False),
        (HEAD + b'"message":{"_id":"a"}},"x":{}}', False),
        (HEAD + b'"message":{"_id":"a"}}}}', False),
        (HEAD + b'"message":{"_id":"a"}}} ', False),
        (HEAD + b'"message": {"_id":"a"}}}', False),
        (HEAD + b'"message":{"_id":"a"', False),
        (HEAD + b'"message":{}}}', True),
        (HEAD + b'"message":{"x":"\\ud83d"}}}', False),
        (HEAD + b'"message":{"_id":"\\ud83d"}}}', False),
        (HEAD + b'"message":[{"message":{"_id":"a"}}}', False),
        (HEAD + b'"message":[{"message":{"_id":"a"}}]}}', False),
        (HEAD + b'"x":1,"message":{"_id":"a"}}}', False),
        (HEAD + b'"x":{"message":{"_id":"a"}}}', False),
        (HEAD + b'"x":"\\"message":{","message":{"_id":"a"}}}', False),
        (HEAD + b'"topic":"/%s/requests/R","message":{"_id":"a"}}}' % P.encode(), True),
        (HEAD.replace(b"requests", b"events") + b'"message":{"_id":"a"}}}', False),
        (HEAD.replace(b"method", b"\\u006dethod") + b'"message":{"_id":"a"}}}', True),
        (HEAD.replace(b"method", b"m") + b'"message":{"_id":"a"}}}', False),
        (b'{"payload":{"message":{"_id":"a"}}}', False),
    ],
)
def test_the_quick_way_is_taken_where_it_is_sure(data, is_quick):
    assert reads_alike(data) is is_quick


RAW = {
    "nothing but an id": b'{"_id":"a"}',
    "keys twice": b'{"_id":"a","status":200,"status":"x","channel":{"name":"a"},"channel":{}}',
    "keys twice, right at last": b'{"_id":"a","status":"x","status":200}',
    "an escaped key": b'{"_id":"a","\\u0073tatus":200}',
    "a number beyond all in a place that nobody reads": b'{"_id":"a","status":1,"x":1e999}',
    "a number of digits beyond all": b'{"_id":"a","status":1,"x":' + b"9" * 5000 + b"}",
    "such a number where one is read": b'{"_id":"a","status":' + b"9" * 5000 + b"}",
    "half a surrogate": rb'{"_id":"a","status":200,"text":"\ud83d"}',
    "half a surrogate in a place that nobody reads": rb'{"_id":"a","status":200,"x":"\ud83d"}',
    "no UTF-8": b'{"_id":"a","status":200,"x":"\xe4"}',
    "no UTF-8 in a key": b'{"_id":"a","status":200,"\xe4":1}',
    "half a character": b'{"_id":"a","x":"\xc3',
    "its other half": b'\xa9"}',
    "deep": b'{"_id":"a","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "an id of a number, and another": b'{"_id":5,"id":"b","status":200}',
    "an empty chat": b'{"_id":"","request_id":""}',
    "a text for an object": b'{"_id":"a","channel":"x","requester":"5f","request":"y"}',
    "null": b"null",
    "nothing": b"",
    "a list": b"[[]]",
}


@pytest.mark.parametrize("kind", TOPICS)
def test_odd_texts_among_others_are_read_as_if_they_were_alone(kind):
    about = received(published(TOPICS[kind], b"{}"))[1][0].about
    rows = [Row(P, kind, n, text, about=about) for n, text in enumerate(RAW.values())]

    holds(rows)
    for row in rows:
        holds([row])


@given(st.text("0123456789-T:.Z+ ", max_size=26), times)
@example("2026-11-23T10:00:00.123Z", "2026-02-29T10:00:00.000Z")
def test_any_time_is_the_same_instant_or_none(one, other):
    about = received(published(TOPICS["request"], b"{}"))[1][0].about
    bodies = [json.dumps({"_id": "a", "createdAt": text}).encode() for text in (one, other)]

    holds([Row(P, "request", n, text, about=about) for n, text in enumerate(bodies)])


def test_rows_are_one_table_in_the_order_asked_for():
    about = received(published(TOPICS["request"], b"{}"))[1][0].about
    chats = ["b", "a", "b", None, "a"]
    rows = [
        Row(P, "request", n, json.dumps({"_id": str(n), "request_id": chat}).encode(), about=about)
        for n, chat in enumerate(chats)
    ]
    gathering = Gathering()
    for row in rows:
        gathering.add(row)

    found = gathering.table([("request_id", "ascending")])

    assert found["entity_id"].to_pylist() == ["1", "4", "0", "2", "3"]
    assert found.equals(pa.concat_tables([table([rows[n]]) for n in (1, 4, 0, 2, 3)]))


def test_no_rows_are_an_empty_table_of_the_same_columns():
    assert table([]).equals(contract.schema().empty_table())
