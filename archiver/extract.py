"""Turns a received frame into rows of the contract: pure, no clock, no file, no socket.

Whatever arrives becomes at least one row; what cannot be understood is a row of kind `unparsed`
or `untrusted` that holds the frame as it came. Nothing here raises for bad data.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from archiver.contract import TYPED, UNKNOWN_PROJECT, Column
from archiver.frames import Frame, elements, read_frame, read_value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64 = range(-(2**63), 2**63)
# What `datetime` can hold: readers in Python fail for a whole column on one time beyond it.
_TIMES = range(-62_135_596_800_000_000, 253_402_300_800_000_000)

_BAD = object()


def read_time(value: Any) -> Any:
    """Return the microseconds since 1970 of an ISO-8601 text, or a mark that it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return _BAD
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _BAD
    if moment.tzinfo is None:
        return _BAD
    micros = (moment - EPOCH) // _MICROSECOND
    return micros if micros in _TIMES else _BAD


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and _is_utf8(value) else _BAD


def _is_utf8(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _id(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.get("_id")
    return _text(value)


def _command(value: Any) -> Any:
    if not isinstance(value, str):
        return _BAD
    return _text(value.split(maxsplit=1)[0]) if value.startswith("\\") else None


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, str) else _BAD


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value in _INT64 else _BAD


def _number(value: Any) -> Any:
    if type(value) not in (int, float):
        return _BAD
    try:
        number = float(value)
    except OverflowError:
        return _BAD
    return number if isfinite(number) else _BAD


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else _BAD


def _texts(value: Any) -> Any:
    if not isinstance(value, list):
        return _BAD
    ids = [_id(item) for item in value]
    return _BAD if _BAD in ids else ids


def _tags(value: Any) -> Any:
    if not isinstance(value, list):
        return _BAD
    tags = [_text(item.get("tag") if isinstance(item, dict) else item) for item in value]
    return _BAD if _BAD in tags else tags


def _names(value: Any) -> Any:
    if isinstance(value, str):  # the id alone: no name was sent
        return None
    people = value if isinstance(value, list) else [value]
    names = []
    for person in people:
        if not isinstance(person, dict) or _id(person) is _BAD:
            return _BAD
        parts = [person.get("firstname"), person.get("lastname")]
        name = " ".join(part for part in parts if isinstance(part, str) and part and _is_utf8(part))
        if name:
            names.append({"id": person["_id"], "name": name})
    return names or None


def _leaves(value: Any) -> Any:
    if not isinstance(value, dict):
        return _BAD
    leaves = []
    for project_user, at in value.items():
        moment = _integer(at)
        if moment is _BAD or moment * 1000 not in _TIMES or not _is_utf8(project_user):
            return _BAD
        leaves.append({"project_user_id": project_user, "left_at": moment * 1000})
    return leaves


_READERS: dict[str, Callable[[Any], Any]] = {
    "time": read_time,
    "text": _text,
    "id": _id,
    "command": _command,
    "length": _length,
    "integer": _integer,
    "number": _number,
    "flag": _flag,
    "texts": _texts,
    "tags": _tags,
    "names": _names,
    "leaves": _leaves,
}

_Plan = list[tuple[str, tuple[tuple[str, ...], ...], "Callable[[Any], Any]"]]


def _plan(kind: str) -> _Plan:
    def paths(column: Column) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(path.split(".")) for path in column.paths[kind])

    return [
        (column.name, paths(column), _READERS[column.type])
        for column in TYPED
        if kind in column.paths
    ]


_PLANS = {kind: _plan(kind) for kind in ("request", "message", "agent")}


def typed(kind: str, entity: dict[str, Any]) -> dict[str, Any]:
    """Return the typed columns of an entity, `mistyped` naming those of another JSON type.

    The first path of a column that holds a value of the right type wins; null is no value.
    """
    row: dict[str, Any] = {}
    mistyped = []
    for name, paths, read in _PLANS.get(kind, ()):
        wrong = False
        for path in paths:
            value: Any = entity
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                continue
            value = read(value)
            if value is _BAD:
                wrong = True
            elif value is not None:
                row[name] = value
                break
        else:
            if wrong:
                mistyped.append(name)
    if mistyped:
        row["mistyped"] = mistyped
    return row


def rows(data: bytes, frame: Frame | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a frame: all columns but those that the journal record tells.

    Each has `project_id` besides the contract's columns; heartbeats yield nothing. Times are
    microseconds since 1970 UTC.
    """
    frame = frame or read_frame(data)
    if frame.kind == "heartbeat":
        return
    if frame.kind == "unparsed" or frame.about is None:
        yield _whole(frame, data)
        return
    if frame.whole:
        yield _whole(frame, data) | {"kind": "unparsed", "element": -1}
    for index, text in enumerate(elements(frame.message) or [frame.message]):
        yield _entity(frame, index, text)


def _whole(frame: Frame, data: bytes) -> dict[str, Any]:
    return {
        "project_id": frame.about.project_id if frame.about else UNKNOWN_PROJECT,
        "kind": frame.kind,
        "topic": frame.topic if frame.topic is None or _is_utf8(frame.topic) else None,
        "method": frame.method if frame.method is None or _is_utf8(frame.method) else None,
        "is_snapshot": False,
        "element": 0,
        **_payload(data),
    }


def _payload(data: bytes) -> dict[str, Any]:
    try:
        return {"payload": data.decode()}
    except UnicodeDecodeError:
        return {"payload": base64.b64encode(data).decode(), "encoding": "base64"}


def _entity(frame: Frame, index: int, text: bytes) -> dict[str, Any]:
    about = frame.about
    assert about is not None
    row = {
        "project_id": about.project_id,
        "kind": frame.kind,
        "topic": frame.topic,
        "method": frame.method,
        "is_snapshot": frame.is_snapshot,
        "element": index,
        "request_id": about.request_id,
        **_payload(text),
    }
    entity = read_value(text) if text else None
    if not isinstance(entity, dict):
        return row
    for key in ("_id", "id"):
        if _text(entity.get(key)) is not _BAD:
            row["entity_id"] = entity[key]
            break
    if about.kind == "request" and _text(entity.get("request_id")) is not _BAD:
        row["request_id"] = entity["request_id"]
    if frame.kind != "untrusted":
        row |= typed(frame.kind, entity)
    return row
