"""An open connection: moves frames between the socket and a talker.

It keeps nothing and understands no frame; how it was opened is no matter here.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import websocket

Client = websocket.WebSocket

SENDING = 10.0
FAREWELL = 2.0
POLL = 0.25
_READ = 256 * 1024
_TOGETHER = 64
_TEXT = 0x81  # the whole of a message, and text


class Lost(Exception):
    """The connection ended; the message says why."""


class Talker(Protocol):
    """Who speaks with the server: told what arrived and when, and asked what to send."""

    def outbox(self) -> list[str]:
        """Return the frames to send now."""

    def received(self, data: bytes, binary: bool, at: int) -> None:
        """Take a frame."""

    def received_all(self, datas: Sequence[bytes], at: int) -> None:
        """Take text frames that came together."""

    def stirred(self) -> None:
        """Take that a part of a frame has come."""

    def tick(self, at: int) -> None:
        """Do what is due by now."""

    def is_silent(self) -> bool:
        """Tell whether the connection must be taken for dead."""


class Guest(Talker, Protocol):
    """A talker who says goodbye."""

    def leave(self) -> None:
        """Leave every topic: what `outbox` returns next says so to the server."""


class Buffered:
    """A socket that is read in large pieces, and hands out frames that lie whole in one.

    websocket-client reads a frame in three system calls and ten microseconds; a burst is worth
    more than that. Only a plain text frame is taken so, and only between two that it has read.

    A frame that dribbles in would keep its reader from everything else: at `until`, a time of the
    monotonic clock, reading times out, and goes on where it was the next time.
    """

    def __init__(self, plain: socket.socket) -> None:
        self.until = math.inf
        self.has_stirred = False
        self._plain = plain
        self._room = memoryview(bytearray(_READ))  # a new one each time costs more than copying
        self._data = b""
        self._at = 0
        self.gettimeout = plain.gettimeout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._data):
            if time.monotonic() > self.until:
                raise TimeoutError
            self._data = bytes(self._room[: self._plain.recv_into(self._room)])
            self._at = 0
            self.has_stirred = True
        self._at += size
        return self._data[self._at - size : self._at]

    def frame(self) -> bytes | None:
        """Return the next frame's text if it is a whole, short, unmasked text frame."""
        data, at = self._data, self._at
        if len(data) < at + 4 or data[at] != _TEXT:
            return None
        size, start = data[at + 1], at + 2
        if size == 126:
            size, start = data[start] << 8 | data[start + 1], start + 2
        elif size > 126:
            return None
        if start + size > len(data):
            return None
        self._at = start + size
        return data[start : self._at]


def reason(error: BaseException) -> str:
    """Name an error without its text, which may hold the address and so the token."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, websocket.WebSocketConnectionClosedException):
        return "connection lost"
    if isinstance(error, websocket.WebSocketException):
        return f"not what a WebSocket says ({type(error).__name__})"
    return type(error).__name__


def converse(
    client: Client,
    talker: Talker,
    clock: Callable[[], int],
    stopping: Callable[[], bool],
) -> None:
    """Move frames until asked to stop; raise Lost when the connection ends by itself."""
    wire = client.sock
    assert isinstance(wire, Buffered)
    due = 0.0
    while not stopping():
        _send(client, talker)
        wire.until = due
        try:
            opcode, data = client.recv_data()
        except websocket.WebSocketTimeoutException:
            opcode, data = -1, b""
        except (websocket.WebSocketException, OSError) as error:
            raise Lost(reason(error)) from None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Lost(f"closed by the server {_close_code(data)}")
        if opcode == websocket.ABNF.OPCODE_TEXT:
            talker.received_all(_burst(wire, data), clock())
        elif opcode >= 0:
            talker.received(data, opcode == websocket.ABNF.OPCODE_BINARY, clock())
        now = time.monotonic()
        if opcode < 0 or now >= due:
            due = now + POLL
            if wire.has_stirred and not client.frame_buffer.needs_header():
                talker.stirred()
            wire.has_stirred = False
            talker.tick(clock())
            if talker.is_silent():
                raise Lost("nothing received, not even a heartbeat")


def _burst(wire: Buffered, first: bytes) -> list[bytes]:
    """Return a frame and those that had arrived with it."""
    frames = [first]
    while len(frames) < _TOGETHER and (data := wire.frame()) is not None:
        frames.append(data)
    return frames


def _close_code(data: bytes) -> str:
    return str(int.from_bytes(data[:2], "big")) if len(data) >= 2 else "without a code"


def _send(client: Client, talker: Talker) -> None:
    frames = talker.outbox()
    if not frames:
        return
    client.settimeout(SENDING)
    try:
        for frame in frames:
            client.send(frame)
    except (websocket.WebSocketException, OSError) as error:
        raise Lost(reason(error)) from None
    finally:
        client.settimeout(POLL)


def farewell(client: Client, guest: Guest, clock: Callable[[], int]) -> None:
    """Leave every topic and keep what the server had sent before it heard of it."""
    guest.leave()
    until = time.monotonic() + FAREWELL
    try:
        _send(client, guest)
        _read_until(client, until)
        while time.monotonic() < until:
            try:
                opcode, data = client.recv_data()
            except websocket.WebSocketTimeoutException:
                continue
            if opcode == websocket.ABNF.OPCODE_CLOSE or b'"pong"' in data[:100]:
                return
            guest.received(data, opcode == websocket.ABNF.OPCODE_BINARY, clock())
    except (websocket.WebSocketException, OSError, Lost):
        return


def _read_until(client: Client, until: float) -> None:
    if isinstance(client.sock, Buffered):
        client.sock.until = until


def hang_up(client: Client) -> None:
    """Close the socket, whatever its state."""
    _read_until(client, time.monotonic() + 1)
    try:
        client.close(timeout=1)
    except (websocket.WebSocketException, OSError, ValueError):
        client.shutdown()  # type: ignore[no-untyped-call]
