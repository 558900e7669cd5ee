"""The socket around a hub: handshake, frames in and out, heartbeats, faults on demand, a log.

All frames of a connection go through one writer, in the order in which the hub gave them. What
is said, and when, is not decided here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from archiver.errors import ArchiverError
from archiver.simulate.hub import Connection, Hub

HOST = "127.0.0.1"
INBOUND_LIMIT = 100 * 1024 * 1024
RETRY_AFTER_S = "1"
CLOSE_TIMEOUT_S = 1.0


class PortTaken(ArchiverError):
    """The port cannot be listened on."""


class GarbageUnreadable(ArchiverError):
    """The file of raw frames to inject is not what it should be."""


@dataclass(frozen=True)
class Garbage:
    """A raw frame to slip in once the server has sent so many frames."""

    at_frame: int
    frame: str | bytes


@dataclass(frozen=True)
class Faults:
    """What the server does wrong on purpose."""

    refuse: re.Pattern[str] | None = None
    """Topics whose subscription is met with silence."""
    hang_handshake: bool = False
    too_many: int = 0
    """How many connects are answered with 429 first."""
    drop_every_s: float | None = None
    garbage: tuple[Garbage, ...] = ()
    inject_untrusted: bool = False


def read_garbage(path: Path) -> tuple[Garbage, ...]:
    """Read frames to inject: JSON lines with `at_frame` and `text` or `base64`."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            raw = entry.get("text")
            frame = base64.b64decode(entry["base64"]) if raw is None else str(raw)
            found.append(Garbage(int(entry["at_frame"]), frame))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GarbageUnreadable(
                f"{path}:{number}: not a frame to inject;"
                ' give {"at_frame": n, "text": …} or {"at_frame": n, "base64": …}'
            ) from error
    return tuple(sorted(found, key=lambda one: one.at_frame))


@dataclass(eq=False)
class Client:
    """One socket, its connection in the hub, and the frames on their way to it."""

    socket: ServerConnection
    connection: Connection
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    sent: int = 0
    _waiting: list[str] = field(default_factory=list)

    def put(self, frames: list[str]) -> None:
        """Take frames over from the hub, in order."""
        self._waiting += frames
        self.wake.set()

    def take(self) -> list[str]:
        """Return what is to be sent now."""
        frames, self._waiting = self._waiting + self.connection.take(), []
        return frames

    def hang_up(self) -> None:
        """End the stream after what was sent, without a close frame."""
        self.connection.close()
        if not self.socket.transport.is_closing():
            self.socket.transport.write_eof()

    def terminate(self) -> None:
        """Cut the socket as the real server does: without a close frame."""
        self.connection.close()
        self.socket.transport.abort()


class Wire:
    """A WebSocket server on loopback that speaks for a hub."""

    def __init__(
        self, hub: Hub, token: str, faults: Faults | None = None, log: TextIO | None = None
    ) -> None:
        self._hub = hub
        self._token = token
        self._faults = faults or Faults()
        self._log = log
        self._garbage = list(self._faults.garbage)
        self._refusals_left = self._faults.too_many
        self._sent = 0
        self._ending = asyncio.Event()
        self.is_open = asyncio.Event()
        """Whether handshakes are answered; they wait while it is not set."""
        self.is_open.set()
        self.arrived = asyncio.Event()
        """Set by every client that connects."""
        self.clients: dict[Client, None] = {}

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[str]:
        """Listen, and give the URL; end with every socket cut."""
        server = serve(
            self._converse,
            HOST,
            port,
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=INBOUND_LIMIT,
        )
        async with AsyncExitStack() as stack:
            try:
                listener = await stack.enter_async_context(server)
            except OSError as error:
                reason = error.strerror or error
                raise PortTaken(f"port {port}: {reason}; take another, or 0 for any") from error
            stack.callback(self._release)
            drops = asyncio.create_task(self._drop())
            stack.callback(drops.cancel)
            yield f"ws://{HOST}:{next(iter(listener.sockets)).getsockname()[1]}/"

    def flush(self) -> None:
        """Send what the hub has put into outboxes since."""
        for client in self.clients:
            client.wake.set()

    def terminate_all(self) -> None:
        """Cut every socket."""
        for client in tuple(self.clients):
            client.terminate()

    def _release(self) -> None:
        """Let everybody go who is connected or waits to be."""
        self._ending.set()
        self.is_open.set()
        self.terminate_all()

    async def end_all(self, *, politely: bool) -> None:
        """Send what still waits, then end every connection, with a close frame or without."""
        for client in tuple(self.clients):
            with suppress(ConnectionClosed):
                await self._send_waiting(client)
            client.connection.close()
            if politely:
                await client.socket.close(CloseCode.GOING_AWAY)
            else:
                client.hang_up()
                with suppress(TimeoutError):
                    await asyncio.wait_for(client.socket.wait_closed(), CLOSE_TIMEOUT_S)

    async def _handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        await self.is_open.wait()
        if self._faults.hang_handshake:
            await self._ending.wait()
        if address.path != "/":
            return socket.respond(HTTPStatus.BAD_REQUEST, "Bad Request\n")
        if self._refusals_left:
            self._refusals_left -= 1
            busy = socket.respond(HTTPStatus.TOO_MANY_REQUESTS, "Too many connections\n")
            busy.headers["Retry-After"] = RETRY_AFTER_S
            return busy
        given = parse_qs(address.query).get("token", [""])[0]
        if given.removeprefix("JWT ") != self._token:
            return socket.respond(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        client = Client(socket, self._hub.connect(_now_ms()))
        self.clients[client] = None
        tasks = [asyncio.create_task(self._write(client)), asyncio.create_task(self._beat(client))]
        try:
            self.arrived.set()
            async for frame in socket:
                client.put(client.connection.receive(frame))
        except ConnectionClosed:
            pass  # a client that vanishes is no news
        finally:
            del self.clients[client]
            client.connection.close()
            for task in tasks:
                task.cancel()

    async def _write(self, client: Client) -> None:
        try:
            while True:
                await client.wake.wait()
                client.wake.clear()
                await self._send_waiting(client)
        except ConnectionClosed:
            pass  # the reader sees it too and cleans up

    async def _send_waiting(self, client: Client) -> None:
        """Send what waits, behind what is being sent."""
        async with client.sending:
            for frame in client.take():
                await self._send(client, frame)
                while self._garbage and self._garbage[0].at_frame <= self._sent:
                    await self._send(client, self._garbage.pop(0).frame)

    async def _send(self, client: Client, frame: str | bytes) -> None:
        """Send a frame; it is in the log before it can arrive."""
        client.sent += 1
        self._sent += 1
        if self._log:
            text = frame if isinstance(frame, str) else base64.b64encode(frame).decode()
            line = {"conn": client.connection.number, "n": client.sent, "at": time.time()}
            coded = {"data": text} if isinstance(frame, str) else {"base64": text}
            self._log.write(json.dumps(line | coded) + "\n")
            self._log.flush()
        await self._put(client, frame)

    async def _put(self, client: Client, frame: str | bytes) -> None:
        """Put a frame on the wire."""
        await client.socket.send(frame)

    async def _beat(self, client: Client) -> None:
        while True:
            await asyncio.sleep(max(0, client.connection.deadline() - _now_ms()) / 1000)
            client.put(client.connection.tick(_now_ms()))
            if client.connection.is_closed:
                client.terminate()
                return

    async def _drop(self) -> None:
        while self._faults.drop_every_s is not None:
            await asyncio.sleep(self._faults.drop_every_s)
            self.terminate_all()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
