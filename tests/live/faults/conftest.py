"""What the tests of faults share: a server that does what it is told, and a judge.

The judge compares what a server sent with what an archive holds. It knows nothing of faults.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from archiver import connection, handshake
from archiver.protocol import Limits, Protocol
from archiver.recorder import steady_clock
from archiver.recording import Recording, wall_clock

sys.path.insert(0, str(Path(__file__).parent))  # the office is a module of these tests only

from office import FEED, PATIENCE, PROJECT, Office, message, messages_of, request

MARKS = timedelta(seconds=6)  # a sign of life is written down at least so often

Frames = dict[int, list[list[str]]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    server = Office(tmp_path / "sent-office.jsonl")
    yield server
    server.close()


def when(text: str | None) -> datetime:
    return datetime.max.replace(tzinfo=UTC) if text is None else datetime.fromisoformat(text)


def spans(rows: list[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    """Return what the recorder says it covered."""
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
    found = [fact for fact in facts if fact["control"] == "covered"]
    return sorted((when(fact["since"]), when(fact["until"])) for fact in found)


def _kept(rows: list[dict[str, Any]]) -> dict[int, list[tuple[datetime, list[str]]]]:
    frames: dict[int, dict[int, tuple[datetime, list[str]]]] = {}
    for row in rows:
        if row["source"] != "recorder" and row["element"] >= 0:
            connection = frames.setdefault(row["connection"], {})
            connection.setdefault(row["seq"], (row["received_at"], []))[1].append(row["payload"])
    return {number: list(found.values()) for number, found in frames.items()}


def _missing(
    sent: list[list[str]], kept: list[tuple[datetime, list[str]]]
) -> Iterator[tuple[datetime | None, datetime | None, int]]:
    """Yield the last time before each stretch that was not kept, the next one, and its length."""
    start, before = 0, None
    for at, frame in kept:
        try:
            found = sent.index(frame, start)
        except ValueError:
            raise AssertionError(f"kept what was not sent, or not in its order: {frame}") from None
        if found > start:
            yield before, at, found - start
        start, before = found + 1, at
    if start < len(sent):
        yield before, None, len(sent) - start


@pytest.fixture
def lost(
    read_rows: Callable[..., list[dict[str, Any]]],
    gaps: Callable[..., list[dict[str, Any]]],
) -> Callable[[Frames, Path], dict[int, int]]:
    """Hold an archive against what was sent; return the frames missing by connection.

    What was kept is a part of what was sent, in its order; what is missing lies in a gap that
    begins with the last sign of life before it and ends with what is known again; and what is
    said to be covered meets no gap.
    """

    def judge(sent: Frames, archive: Path) -> dict[int, int]:
        rows = read_rows(archive)
        kept, found = _kept(rows), gaps(rows)
        feeds = [
            (row["connection"], row["received_at"])
            for row in rows
            if row["is_snapshot"] and row["topic"] == FEED
        ]
        told = {}
        for number, frames in sent.items():
            for before, after, count in _missing(frames, kept.get(number, [])):
                earlier = [at for other in kept if other < number for at, _ in kept[other]]
                since = before or max(earlier, default=datetime.min.replace(tzinfo=UTC))
                later = [at for other, at in feeds if other > number]
                until = after or min(later, default=datetime.max.replace(tzinfo=UTC))
                assert any(
                    when(gap["since"]) <= since + MARKS and until <= when(gap["until"])
                    for gap in found
                ), f"connection {number}: {count} frames between {since} and {until} in no gap"
                told[number] = told.get(number, 0) + count
        pieces = sorted(spans(rows) + [(when(gap["since"]), when(gap["until"])) for gap in found])
        assert all(before[1] <= after[0] for before, after in pairwise(pieces)), pieces
        assert all(since <= until for since, until in pieces)
        assert set(kept) <= set(sent)
        return told

    return judge


@pytest.fixture
def desk_of() -> tuple[Callable[..., Any], ...]:
    """Return what spells a chat, spells a message of one, and names a chat's messages."""
    return request, message, messages_of


class Line:
    """A connection held in this process, to be less patient than a recorder."""

    def __init__(self, archive: Path, url: str, limits: Limits) -> None:
        self._recording = Recording(archive, "main", [PROJECT], wall_clock, steady_clock)
        self._client = handshake.dial(url, "simulated")
        self._session = self._recording.session()
        self._session.opened(wall_clock())
        memory = self._recording.memory
        self._session.protocol = Protocol(memory, [PROJECT], steady_clock(), limits)

    def refused(self) -> set[str]:
        """Return the topics that the server has not answered."""
        topics = self._session.protocol.topics
        return {topic for topic, known in topics.items() if known.refused}

    def confirmed(self) -> set[str]:
        """Return the topics that the server has answered."""
        topics = self._session.protocol.topics
        return {topic for topic, known in topics.items() if known.confirmed}

    def hold(self, until: Callable[[], bool]) -> None:
        """Converse until then."""
        end = time.monotonic() + PATIENCE
        connection.converse(
            self._client, self._session, wall_clock, lambda: until() or time.monotonic() > end
        )
        assert until()

    def close(self) -> None:
        """Say goodbye and seal what was received."""
        connection.farewell(self._client, self._session, wall_clock)
        connection.hang_up(self._client)
        self._session.lost(wall_clock(), "the test is over")
        self._recording.close(wall_clock())


@pytest.fixture
def line(archive: Path) -> Callable[[str, Limits], Line]:
    """Connect to a server with limits of one's own."""
    return lambda url, limits: Line(archive, url, limits)
