"""Reads the outside of a received frame: topic, method, and where each entity's text stands.

Pure, and safe for any bytes: what is no JSON, or JSON of another shape, is said to be so and
nothing is raised. The entities themselves are read by `extract`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from archiver.contract import is_project_id

# An odd number of backslashes before `u` begins an escape; a surrogate escape that is half of no
# pair is what fast parsers refuse.
_ESCAPE = re.compile(
    rb"(?<!\\)(?:\\\\)*"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)


EMPTY = (b"", b"[]", b"null")


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    topic: Any = None
    method: Any = None
    message: msgspec.Raw = msgspec.Raw()


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    action: Any = None
    payload: _Payload | None = None


class _LoosePayload(msgspec.Struct):
    topic: Any = None
    method: Any = None
    message: msgspec.Raw = msgspec.Raw()


class _LooseEnvelope(msgspec.Struct):
    action: Any = None
    payload: _LoosePayload | None = None


_strict = msgspec.json.Decoder(_Envelope)
_loose = msgspec.json.Decoder(_LooseEnvelope)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_value = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic names: the project, the kind of its entities, and the chat or agent."""

    project_id: str
    kind: str
    request_id: str | None = None
    agent_id: str | None = None
    single: bool = False


class Frame(msgspec.Struct, gc=False):
    """A frame's outside. `kind` is also `heartbeat`, `untrusted` or `unparsed`.

    `message` is the JSON text of what was published (`b""` if absent); `whole` tells that the
    envelope held keys that we do not know, `is_snapshot` that it is the server's answer to a
    subscription.
    """

    kind: str
    topic: str | None = None
    method: str | None = None
    message: bytes = b""
    about: Topic | None = None
    whole: bool = False
    is_snapshot: bool = False


@lru_cache(maxsize=1024)
def _topic(text: str) -> Topic | None:
    match text.split("/"):
        case ["", project, "requests"]:
            topic = Topic(project, "request")
        case ["", project, "requests", request_id, "messages"]:
            topic = Topic(project, "message", request_id)
        case ["", project, "requests", request_id]:
            topic = Topic(project, "request", request_id, single=True)
        case ["", project, "project_users", "users", agent_id]:
            topic = Topic(project, "agent", agent_id=agent_id)
        case ["", project, "project_users", _]:
            topic = Topic(project, "agent")
        case ["", project, "events", *_]:
            topic = Topic(project, "event")
        case ["", project, "bots", _]:
            topic = Topic(project, "bot")
        case _:
            return None
    return topic if is_project_id(topic.project_id) else None


def read_topic(text: str) -> Topic | None:
    """Return what a topic names, or None for a topic of no known form."""
    return _topic(text) if len(text) < 1000 else None


def mend(data: bytes) -> bytes:
    """Return the JSON text with each lone surrogate escape replaced by one of the same length."""

    def replace(match: re.Match[bytes]) -> bytes:
        lone = match.group(1)
        whole = match.group(0)
        return whole if lone is None else whole[: -len(lone)] + b"\\ufffd"

    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _ESCAPE.sub(replace, data)


def _envelope(data: bytes) -> tuple[_Envelope | _LooseEnvelope | None, bool]:
    try:
        return _strict.decode(data), False
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _loose.decode(data), True
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, True


def read_frame(data: bytes) -> Frame:
    """Read a frame's envelope.

    A frame without `method` was sent by another client: `untrusted`. What is no JSON, or JSON of
    another shape: `unparsed`.
    """
    envelope, whole = _envelope(data)
    if envelope is None:
        return _mended(data)
    payload = envelope.payload
    if envelope.action == "heartbeat":
        return Frame("heartbeat")
    if envelope.action != "publish" or payload is None or not isinstance(payload.topic, str):
        return Frame("unparsed")
    message = bytes(payload.message)
    about = read_topic(payload.topic)
    if not isinstance(payload.method, str):
        return Frame("untrusted", payload.topic, None, message, about, whole)
    kind = "unparsed" if about is None else about.kind
    is_snapshot = payload.method == "CREATE" and _is_snapshot(message, about)
    return Frame(kind, payload.topic, payload.method, message, about, whole, is_snapshot)


def _is_snapshot(message: bytes, about: Topic | None) -> bool:
    if about is None:
        return False
    if message[:1] == b"[":
        return True
    return about.kind in ("agent", "bot") or about.single or message == b"null"


@lru_cache(maxsize=4096)
def _plain(head: bytes) -> tuple[Frame, Topic, int] | None:
    frame = read_frame(head + b"{}}}")
    if frame.whole or frame.method is None or frame.about is None or frame.message != b"{}":
        return None
    return frame, frame.about, len(head)


def read_plain(data: bytes) -> tuple[Frame, Topic, int] | None:
    """Return the outside of a frame of one entity, spelled as the server does, and its topic.

    With them comes where the message begins; it ends two bytes before the frame does. It is not
    read: the frame is as told if that alone is JSON. None: see `read_frame`.
    """
    start = data.find(b'"message":{', 0, 400) + 10  # a topic may take half of it
    return _plain(data[:start]) if start >= 10 and data.endswith(b"}}}") else None


def _mended(data: bytes) -> Frame:
    """Read a frame that the fast parser refuses but the standard library's accepts."""
    mended = mend(data)
    if mended == data or not _is_json(data):
        return Frame("unparsed")
    frame = read_frame(mended)
    messages = {data[start : start + len(frame.message)] for start in _places(mended, frame)}
    if len(messages) != 1:  # it might be any of them
        return Frame("unparsed")
    return msgspec.structs.replace(frame, message=messages.pop())


def _places(mended: bytes, frame: Frame) -> Iterator[int]:
    start = mended.find(frame.message) if frame.message else -1
    while start >= 0:
        yield start
        start = mended.find(frame.message, start + 1)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def elements(message: bytes) -> list[bytes]:
    """Return the JSON texts of an array's elements, or the text itself if it is no array."""
    if message[:1] != b"[":
        return [message]
    try:
        raws = _array.decode(message)
    except msgspec.MsgspecError:
        mended = mend(message)
        try:
            raws = _array.decode(mended)
        except msgspec.MsgspecError:
            return [message]
        return _slices(message, mended, raws)
    return [bytes(raw) for raw in raws]


def _slices(original: bytes, mended: bytes, raws: list[msgspec.Raw]) -> list[bytes]:
    texts = []
    at = 0
    for raw in raws:
        text = bytes(raw)
        at = mended.index(text, at)
        texts.append(original[at : at + len(text)])
        at += len(text)
    return texts


def _whole_number(text: str) -> int | float:
    """Read a whole number; one of more digits than Python takes is infinite, as in exponents."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def read_value(text: bytes | memoryview) -> Any:
    """Return what a JSON text holds, or None where it holds nothing readable."""
    try:
        return _value.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(bytes(text), parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None
