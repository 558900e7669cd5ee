"""Turns a received frame into rows of the contract: pure, no clock, no file, no socket.

Whatever arrives becomes at least one row; what cannot be understood is a row of kind `unparsed`
or `untrusted` that holds the frame as it came. Nothing here raises for bad data.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import msgspec

from archiver.contract import TYPED, UNKNOWN_PROJECT
from archiver.entities import KINDS, Path, decode, paths
from archiver.frames import Frame, Topic, elements, read_frame, read_plain, read_value
from archiver.records import TEXT, Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64 = range(-(2**63), 2**63)
# What `datetime` can hold: readers in Python fail for a whole column on one time beyond it.
_TIMES = range(-62_135_596_800_000_000, 253_402_300_800_000_000)

BAD = object()


def read_time(value: Any) -> Any:
    """Return the microseconds since 1970 of an ISO-8601 text, or a mark that it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return BAD
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return BAD
    if moment.tzinfo is None:
        return BAD
    micros = (moment - EPOCH) // _MICROSECOND
    return micros if micros in _TIMES else BAD


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and _is_utf8(value) else BAD


def _is_utf8(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _id(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.get("_id")
    return _text(value)


def _command(value: Any) -> Any:
    if not isinstance(value, str):
        return BAD
    return _text(value.split(maxsplit=1)[0]) if value.startswith("\\") else None


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, str) else BAD


def _integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value in _INT64 else BAD


def _number(value: Any) -> Any:
    if type(value) not in (int, float):
        return BAD
    try:
        number = float(value)
    except OverflowError:
        return BAD
    return number if isfinite(number) else BAD


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else BAD


def _texts(value: Any) -> Any:
    if not isinstance(value, list):
        return BAD
    ids = [_id(item) for item in value]
    return BAD if BAD in ids else ids


def _tags(value: Any) -> Any:
    if not isinstance(value, list):
        return BAD
    tags = [_text(item.get("tag") if isinstance(item, dict) else item) for item in value]
    return BAD if BAD in tags else tags


def _names(value: Any) -> Any:
    if isinstance(value, str):  # the id alone: no name was sent
        return None
    people = value if isinstance(value, list) else [value]
    names = []
    for person in people:
        if not isinstance(person, dict) or _id(person) is BAD:
            return BAD
        parts = [person.get("firstname"), person.get("lastname")]
        name = " ".join(part for part in parts if isinstance(part, str) and part and _is_utf8(part))
        if name:
            names.append({"id": person["_id"], "name": name})
    return names or None


def _leaves(value: Any) -> Any:
    if not isinstance(value, dict):
        return BAD
    leaves = []
    for project_user, at in value.items():
        moment = _integer(at)
        if moment is BAD or moment * 1000 not in _TIMES or not _is_utf8(project_user):
            return BAD
        leaves.append({"project_user_id": project_user, "left_at": moment * 1000})
    return leaves


READERS: dict[str, Callable[[Any], Any]] = {
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

_Plan = list[tuple[str, list[Path], "Callable[[Any], Any]"]]
_PLANS: dict[str, _Plan] = {
    kind: [
        (column.name, paths(column, kind), READERS[column.type])
        for column in TYPED
        if kind in column.paths
    ]
    for kind in KINDS
}


def typed(kind: str, entity: dict[str, Any]) -> dict[str, Any]:
    """Return the typed columns of an entity, `mistyped` naming those of another JSON type.

    The first path of a column that holds a value of the right type wins; null is no value.
    """
    row: dict[str, Any] = {}
    mistyped = []
    for name, places, read_ in _PLANS.get(kind, ()):
        wrong = False
        for path in places:
            value: Any = entity
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                continue
            value = read_(value)
            if value is BAD:
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


class Row(msgspec.Struct, gc=False):
    """What becomes a row: its text, and all that is known without reading that.

    `about` is what the topic names, if the text is an entity's; the recorder's own rows and frames
    that are kept whole are none. `entity` has its fields, if they are decoded; `is_ascii` tells
    that the text is known to be nothing else. The source is told by what came
    before; `place` is for who gathers rows.
    """

    project_id: str
    kind: str
    element: int
    text: bytes | memoryview
    topic: str | None = None
    method: str | None = None
    is_snapshot: bool = False
    about: Topic | None = None
    entity: Any = None
    is_ascii: bool = False
    received_at: int = 0
    recorder: str = ""
    connection: int | None = None
    seq: int = 0
    source: str = ""
    place: int = 0


def read(record: Record, recorder: str = "") -> tuple[Frame, list[Row]]:
    """Read a frame and cut it to rows: at once, if it is one entity spelled as the server does.

    The text of that one is no copy.
    """
    whole = bytes(record.data)
    plain = read_plain(whole) if record.type == TEXT else None
    if plain is not None:
        frame, about, start = plain
        text = record.data[start:-2]
        entity = decode(about.kind, text)
        if entity is not None:
            row = Row(
                about.project_id,
                about.kind,
                0,
                text,
                frame.topic,
                frame.method,
                frame.is_snapshot,
                about,
                entity,
                whole.isascii(),
                record.at,
                recorder,
                record.connection,
                record.seq,
            )
            return frame, [row]
    frame = read_frame(whole) if record.type == TEXT else Frame("unparsed")
    rows = cut(whole, frame)
    for row in rows:
        row.received_at, row.recorder = record.at, recorder
        row.connection, row.seq = record.connection, record.seq
    return frame, rows


def cut(data: bytes, frame: Frame) -> list[Row]:
    """Cut a frame to rows, which lack what the journal's record tells; heartbeats are none."""
    if frame.kind == "heartbeat":
        return []
    about = frame.about
    if frame.kind == "unparsed" or about is None:
        return [_whole(data, frame, frame.kind, 0)]
    texts = elements(frame.message) or [frame.message]
    told_ = (frame.topic, frame.method, frame.is_snapshot, about, None, data.isascii())
    found = [Row(about.project_id, frame.kind, n, text, *told_) for n, text in enumerate(texts)]
    return [_whole(data, frame, "unparsed", -1), *found] if frame.whole else found


def _whole(data: bytes, frame: Frame, kind: str, element: int) -> Row:
    project = frame.about.project_id if frame.about else UNKNOWN_PROJECT
    topic, method = (
        text if text is None or _is_utf8(text) else None for text in (frame.topic, frame.method)
    )
    return Row(project, kind, element, data, topic, method)


def told(row: Row) -> dict[str, Any]:
    """Return the columns that are read from a row's text; what is no entity tells nothing."""
    if row.about is None:
        return {}
    found: dict[str, Any] = {"request_id": row.about.request_id}
    entity = read_value(row.text) if row.text else None
    if not isinstance(entity, dict):
        return found
    for key in ("_id", "id"):
        if _text(entity.get(key)) is not BAD:
            found["entity_id"] = entity[key]
            break
    if row.about.kind == "request" and _text(entity.get("request_id")) is not BAD:
        found["request_id"] = entity["request_id"]
    return found if row.kind == "untrusted" else found | typed(row.kind, entity)


def is_text(data: bytes | memoryview) -> bool:
    """Tell whether a text can be kept as it came: it is UTF-8."""
    try:
        bytes(data).decode()
    except UnicodeDecodeError:
        return False
    return True


def spelled(row: Row) -> dict[str, Any]:
    """Return a row as a value for each column that has one; times are microseconds since 1970."""
    found = msgspec.structs.asdict(row)
    del found["about"], found["entity"], found["is_ascii"], found["place"]
    text = bytes(found.pop("text"))
    if not is_text(text):
        text, found["encoding"] = b64encode(text), "base64"
    return found | {"payload": text.decode()} | told(row)
