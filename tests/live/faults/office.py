"""A project's server in this process: its chats and its faults are what a test says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from archiver.simulate.hub import Connection, Hub
from archiver.simulate.wire import Client, Wire

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
QUIET = "5f6c1d2e3a4b5c6d7e8f9a0c"
FEED = f"/{PROJECT}/requests"
PATIENCE = 90


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
    """A hub that tells what was asked of it, and takes its time for snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, str, str]] = []
        self.heard = threading.Condition()
        self.latency = 0.0
        self.flush: Callable[[], None]

    def subscribe(self, topic: str, connection: Connection) -> None:
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self._answer, topic, connection)
        else:
            super().subscribe(topic, connection)
        self._note(connection, "subscribe", topic)

    def _answer(self, topic: str, connection: Connection) -> None:
        if not connection.is_closed:
            super().subscribe(topic, connection)
            self.flush()
            self._note(connection, "answered", topic)

    def unsubscribe(self, topic: str, connection: Connection) -> None:
        super().unsubscribe(topic, connection)
        self._note(connection, "unsubscribe", topic)

    def followers(self, topic: str) -> set[int]:
        """Return the numbers of those who follow a topic."""
        return {connection.number for connection in self._subscribers.get(topic, ())}

    def _note(self, connection: Connection, action: str, topic: str) -> None:
        with self.heard:
            self.asked.append((connection.number, action, topic))
            self.heard.notify_all()


@dataclass(frozen=True)
class Dial:
    """A handshake: when, with which token, and the status that it was refused with."""

    at: float
    token: str
    refused: int | None


class _Wire(Wire):
    """A wire that turns away whom it is told to, and may be as slow as it is told to."""

    def __init__(self, hub: Hub, token: str, log: TextIO) -> None:
        super().__init__(hub, token, log=log)
        self.dials: list[Dial] = []
        self.dialled = threading.Condition()
        self.refusals: dict[int, tuple[int, Callable[[], str] | None]] = {}
        self.pause = 0.0
        self.bytes_sent = 0
        self.dribbled = threading.Condition()

    def accept(self, token: str) -> None:
        """Let in who has this token from now on."""
        self._token = token

    async def _handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        token = parse_qs(urlsplit(request.path).query)["token"][0]
        status, retry_after = self.refusals.pop(len(self.dials) + 1, (None, None))
        with self.dialled:
            self.dials.append(Dial(time.monotonic(), token, status))
            self.dialled.notify_all()
        if status is None:
            answer = await super()._handshake(socket, request)
            if not socket.transport.is_closing():
                return answer
            status = 503  # nobody is there any more
        refusal = socket.respond(HTTPStatus(status), "not now\n")
        if retry_after is not None:
            refusal.headers["Retry-After"] = retry_after()
        return refusal

    async def _put(self, client: Client, frame: str | bytes) -> None:
        """Send a frame, byte by byte where a pause is wanted after each."""
        if not self.pause:
            return await super()._put(client, frame)
        assert isinstance(frame, str)
        for byte in Frame(Opcode.TEXT, frame.encode()).serialize(mask=False):
            if client.socket.transport.is_closing():
                return None
            client.socket.transport.write(bytes([byte]))
            with self.dribbled:
                self.bytes_sent += 1
                self.dribbled.notify_all()
            await asyncio.sleep(self.pause)
        return None


class _Nobody:
    """A project where nothing happens."""

    def open_requests(self) -> list[dict[str, Any]]:
        return []

    def _none(self, _name: str) -> None:
        """There are none."""

    request = messages = agent = bot = _none


class Office:
    """A project's server: chats and messages are set, told and cut by the test.

    It may be slow: `latency` seconds before each snapshot, `pause` seconds after each byte.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self.chats: dict[str, dict[str, Any]] = {}
        self.said: dict[str, list[dict[str, Any]]] = {}
        self.agents: dict[str, dict[str, Any]] = {}
        self._hub = _Hub()
        self._hub.serve(PROJECT, self)
        self._hub.serve(QUIET, _Nobody())
        self._loop = asyncio.new_event_loop()
        self._files = ExitStack()
        self._wire = _Wire(
            self._hub, "simulated", self._files.enter_context(log.open("w", encoding="utf-8"))
        )
        self._hub.flush = self._wire.flush
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

    def agent(self, user_id: str) -> dict[str, Any] | None:
        return self.agents.get(user_id)

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

    def tell(self, topic: str, method: str, document: dict[str, Any]) -> None:
        """Let something be that was seen on a real server, and tell who follows the topic."""

        async def publish() -> None:
            if topic.endswith("/messages"):
                plain = {name: value for name, value in document.items() if name != "request"}
                self.said.setdefault(document["recipient"], []).append(plain)
            elif topic == FEED:
                self.chats[document["request_id"]] = document
            else:
                self.agents[topic.rpartition("/")[2]] = document
            self._hub.publish(topic, method, document)
            self._wire.flush()

        self._run(publish())

    def wait_until_followed(self, topic: str, connections: set[int]) -> None:
        """Wait until all these connections follow a topic."""
        with self._hub.heard:
            came = self._hub.heard.wait_for(
                lambda: connections <= self._hub.followers(topic), PATIENCE
            )
        assert came, f"{topic}: followed by {self._hub.followers(topic)}"

    def cut(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Cut every socket without a close frame; something may happen before anybody is back."""
        self.shut()
        self.hang_up()
        meanwhile()
        self.open()

    def hang_up(self, topic: str | None = None) -> None:
        """Cut every socket without a close frame, or only those that follow a topic."""

        def cut() -> None:
            followers = self._hub.followers(topic) if topic else None
            for client in tuple(self._wire.clients):
                if followers is None or client.connection.number in followers:
                    client.terminate()

        self._set(cut)

    def slow(self, *, latency: float = 0.0, pause: float = 0.0) -> None:
        """Be as slow as this from now on."""
        self._hub.latency, self._wire.pause = latency, pause

    def refuse(
        self, status: int, retry_after: Callable[[], str] | None = None, dial: int | None = None
    ) -> None:
        """Turn away who comes next, or as number `dial`; `retry_after` gives a header then."""
        number = dial or len(self._wire.dials) + len(self._wire.refusals) + 1
        self._wire.refusals[number] = (status, retry_after)

    def accept(self, token: str) -> None:
        """Let in who has this token from now on."""
        self._wire.accept(token)

    def shut(self) -> None:
        """Let handshakes wait, for ever if need be."""
        self._set(self._wire.is_open.clear)

    def open(self) -> None:
        """Answer handshakes again."""
        self._set(self._wire.is_open.set)

    def dials(self, times: int) -> list[Dial]:
        """Wait until somebody dialled so often; return every dial."""
        with self._wire.dialled:
            came = self._wire.dialled.wait_for(lambda: len(self._wire.dials) >= times, PATIENCE)
        assert came, self._wire.dials
        return list(self._wire.dials)

    @property
    def bytes_sent(self) -> int:
        """How many bytes were sent alone."""
        return self._wire.bytes_sent

    def wait_until_dribbled(self, size: int) -> None:
        """Wait until so many bytes were sent alone."""
        with self._wire.dribbled:
            came = self._wire.dribbled.wait_for(lambda: self._wire.bytes_sent >= size, PATIENCE)
        assert came, self._wire.bytes_sent

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

    def _set(self, change: Callable[[], None]) -> None:
        async def do() -> None:
            change()

        self._run(do())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)
