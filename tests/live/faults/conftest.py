"""What the tests of faults share: a server in this process that does what it is told, and a judge.

The judge compares what a server sent with what an archive holds. It knows nothing of faults.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from archiver.simulate.hub import Connection, Hub
from archiver.simulate.wire import Wire

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"
PATIENCE = 90
MARKS = timedelta(seconds=6)  # a sign of life is written down at least so often

Frames = dict[int, list[list[str]]]


def rid(number: int) -> str:
    return f"support-group-{PROJECT}-{number:032x}"


def messages_of(number: int) -> str:
    return f"{FEED}/{rid(number)}/messages"


def moment(seconds: float) -> str:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(number: int, second: float, status: int = 200, **fields: Any) -> dict[str, Any]:
    """Return a chat as the server spells it, last changed at a second of the morning."""
    return {
        "_id": f"{number:024x}",
        "request_id": rid(number),
        "status": status,
        "preflight": False,
        "draft": False,
        "participants": [],
        "snapshot": {"agents": []},
        "createdAt": moment(0),
        "updatedAt": moment(second),
        **fields,
    }


def message(chat: int, number: int) -> dict[str, Any]:
    return {
        "_id": f"{chat:012x}{number:012x}",
        "sender": "visitor",
        "recipient": rid(chat),
        "text": f"number {number}",
        "createdAt": moment(number),
    }


class _Hub(Hub):
    """A hub that tells what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, str, str]] = []
        self.heard = threading.Condition()

    def subscribe(self, topic: str, connection: Connection) -> None:
        super().subscribe(topic, connection)
        self._note(connection, "subscribe", topic)

    def unsubscribe(self, topic: str, connection: Connection) -> None:
        super().unsubscribe(topic, connection)
        self._note(connection, "unsubscribe", topic)

    def _note(self, connection: Connection, action: str, topic: str) -> None:
        with self.heard:
            self.asked.append((connection.number, action, topic))
            self.heard.notify_all()


class Office:
    """A project's server: chats and messages are set, told and cut by the test."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.chats: dict[str, dict[str, Any]] = {}
        self.said: dict[str, list[dict[str, Any]]] = {}
        self._hub = _Hub()
        self._hub.serve(PROJECT, self)
        self._loop = asyncio.new_event_loop()
        self._files = ExitStack()
        self._wire = Wire(
            self._hub, "simulated", log=self._files.enter_context(log.open("w", encoding="utf-8"))
        )
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listening = self._wire.listening(0)
        self.url = self._run(self._listening.__aenter__())

    # What the hub asks.

    def open_requests(self) -> list[dict[str, Any]]:
        return list(self.chats.values())

    def request(self, request_id: str) -> dict[str, Any] | None:
        return self.chats.get(request_id)

    def messages(self, request_id: str) -> list[dict[str, Any]] | None:
        return self.said.get(request_id, [])

    def agent(self, user_id: str) -> None:
        """There are none."""

    def bot(self, bot_id: str) -> None:
        """There are none."""

    # What the test does.

    def change(self, *documents: dict[str, Any], method: str = "UPDATE") -> None:
        """Let chats be, and tell who follows the project."""

        async def tell() -> None:
            for document in documents:
                self.chats[document["request_id"]] = document
                self._hub.publish(FEED, method, document)
            self._wire.flush()

        self._run(tell())

    def say(self, chat: int, *numbers: int) -> None:
        """Let messages be said, and tell who follows the chat."""

        async def tell() -> None:
            for number in numbers:
                document = message(chat, number)
                self.said.setdefault(rid(chat), []).append(document)
                self._hub.publish(messages_of(chat), "CREATE", document)
            self._wire.flush()

        self._run(tell())

    def cut(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Cut every socket without a close frame; something may happen before anybody is back."""

        async def hang_up() -> None:
            self._wire.is_open.clear()
            self._wire.terminate_all()

        async def go_on() -> None:
            self._wire.is_open.set()

        self._run(hang_up())
        meanwhile()
        self._run(go_on())

    def wait_until_asked(self, connection: int, action: str, topic: str, times: int = 1) -> None:
        """Wait until a connection asked for this so often."""
        wanted = (connection, action, topic)
        with self._hub.heard:
            came = self._hub.heard.wait_for(
                lambda: self._hub.asked.count(wanted) >= times, PATIENCE
            )
        assert came, f"never asked: {wanted}"

    def asked(self, connection: int) -> list[tuple[str, str]]:
        return [
            (action, topic) for number, action, topic in self._hub.asked if number == connection
        ]

    def sent(self) -> dict[int, list[str]]:
        frames: dict[int, list[str]] = {}
        for line in map(json.loads, self.log.read_text("utf-8").splitlines()):
            frames.setdefault(line["conn"], []).append(line["data"])
        return frames

    def close(self) -> None:
        self._run(self._listening.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._files.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


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
