"""Recordings of a real server's frames: read, and moved in time as a whole.

A file holds one JSON line a frame, as received (`in`) and sent (`out`) by the client that
recorded it, and what became of its connections (`event`). Nothing is played here.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.errors import ArchiverError
from archiver.simulate.timeline import from_iso, iso

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_CUTS = ("we-close", "dropped", "end")


class CaptureUnreadable(ArchiverError):
    """The file is no recording of frames."""


@dataclass(frozen=True)
class Line:
    """A frame that the server sent."""

    at: float
    """Epoch seconds at which it was received."""
    text: str
    topic: str | None
    is_snapshot: bool


@dataclass
class Life:
    """One recorded connection."""

    opened: float
    lines: list[Line] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Topics subscribed to, in order."""
    ended: float = 0.0
    is_dropped: bool = False
    """Whether the server's side ended it, without a close frame."""


def read(path: Path) -> list[Life]:
    """Read the connections of a recording, in order."""
    lives: list[Life] = []
    for number, entry in _entries(path):
        try:
            _take(lives, entry)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise CaptureUnreadable(f"{path}:{number}: not a line of recorded frames") from error
    if not any(life.lines for life in lives):
        raise CaptureUnreadable(f"{path}: holds no frames; name a *.frames.jsonl.gz file")
    return lives


def refused(lives: list[Life]) -> set[str]:
    """Return the topics that were asked for and never answered."""
    answered = {line.topic for life in lives for line in life.lines if line.is_snapshot}
    return {topic for life in lives for topic in life.asked if topic not in answered}


def shifted(text: str, offset_ms: int) -> str:
    """Return a text with every time in it moved, and nothing else changed."""
    return _TIME.sub(lambda found: iso(from_iso(found[0]) + offset_ms), text)


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield number, json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise CaptureUnreadable(f"{path}: not readable as JSON lines ({error})") from error


def _take(lives: list[Life], entry: dict[str, Any]) -> None:
    at, direction, op = float(entry["t"]), entry["dir"], entry["op"]
    if direction == "event":
        if op == "open":
            lives.append(Life(at, ended=at))
        elif op in _CUTS:
            lives[-1].ended = at
            lives[-1].is_dropped = op == "dropped"
        return
    life = lives[-1]
    life.ended = at
    if direction == "out":
        asked = json.loads(entry["data"])
        if asked["action"] == "subscribe":
            life.asked.append(asked["payload"]["topic"])
    elif op == "text" and (line := _line(at, entry["data"])):
        life.lines.append(line)


def _line(at: float, text: str) -> Line | None:
    """Return a frame to play; heartbeats are the player's own business."""
    try:
        frame = json.loads(text)
        action, payload = frame["action"], frame.get("payload", {})
    except (ValueError, TypeError, KeyError, AttributeError):
        return Line(at, text, None, is_snapshot=False)
    if action != "publish":
        return None
    topic = str(payload.get("topic"))
    is_single = not topic.endswith("/requests") and not topic.endswith("/messages")
    is_snapshot = payload.get("method") == "CREATE" and (
        is_single or isinstance(payload.get("message"), list)
    )
    return Line(at, text, topic, is_snapshot)
