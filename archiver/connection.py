"""The socket: dials the server, tells refusals apart, and moves frames between it and a session.

The only module that imports websocket-client. It keeps nothing and understands no frame.
"""

from __future__ import annotations

import random
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import websocket

from archiver.errors import AccessRefused, AddressWrong
from archiver.session import Session

Client = websocket.WebSocket

HANDSHAKE = 10.0
POLL = 0.25
_READ = 256 * 1024
_TOGETHER = 64
_TEXT = 0x81  # the whole of a message, and text
FORMS = (
    "wss://rtm.tiledesk.com/v2/, wss://eu.rtm.tiledesk.com/v3/ws/, wss://eu.rtmv3.tiledesk.com/api/,"
    " wss://HOST/ws/ or ws://HOST:3000/ where you host it"
)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Unreachable(Exception):
    """The server could not be reached now: worth another try, after `wait` seconds if it said."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class Lost(Exception):
    """The connection ended; the message says why."""


def check_url(url: str, *, insecure: bool = False) -> None:
    """Refuse an address that is no socket's, or that would send the token in the clear."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise AddressWrong(f"{url}: not a WebSocket address; known forms: {FORMS}")
    if parts.query or parts.fragment:
        raise AddressWrong(
            f"{parts.scheme}://{parts.netloc}{parts.path}: give the address without query;"
            " the token comes from TILEDESK_TOKEN or --token-file"
        )
    if parts.scheme == "ws" and parts.hostname not in _LOOPBACK and not insecure:
        raise AddressWrong(
            f"{url}: would send the token in the clear; use wss://, or --insecure if you must"
        )


def dial(url: str, token: str) -> Client:
    """Open the WebSocket.

    Raises AccessRefused (401, 403), AddressWrong (400, 404, unknown host, bad certificate), and
    Unreachable for what may pass by itself (429, 5xx, refused, time-outs).
    """
    client = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
    client.settimeout(HANDSHAKE)
    try:
        client.connect(  # type: ignore[no-untyped-call]
            f"{url}?token={quote(token, safe='')}", redirect_limit=0
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(url, error) from None
    except (websocket.WebSocketAddressException, socket.gaierror):
        host = urlsplit(url).hostname
        raise AddressWrong(f"{url}: the name {host} does not resolve; check --url") from None
    except ssl.SSLCertVerificationError as error:
        raise AddressWrong(f"{url}: bad certificate ({error.verify_message})") from None
    except websocket.WebSocketTimeoutException:
        raise Unreachable(f"no answer to the handshake in {HANDSHAKE:.0f} s") from None
    except (websocket.WebSocketException, OSError) as error:
        raise Unreachable(_reason(error)) from None
    client.settimeout(POLL)
    assert client.sock is not None
    client.sock = _Buffered(client.sock)  # type: ignore[assignment]
    return client


class _Buffered:
    """A socket that is read in large pieces, and hands out frames that lie whole in one.

    websocket-client reads a frame in three system calls and ten microseconds; a burst is worth
    more than that. Only a plain text frame is taken so, and only between two that it has read.
    """

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        self._data = b""
        self._at = 0
        self.gettimeout = plain.gettimeout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._data):
            self._data = self._plain.recv(_READ)
            self._at = 0
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


def _refusal(url: str, error: websocket.WebSocketBadStatusException) -> Exception:
    status = error.status_code
    if status in (401, 403):
        return AccessRefused(
            f"{url}: the server refuses the token (HTTP {status});"
            " get a new one from POST /auth/signin and put it where the old one was"
        )
    if status in (400, 404):
        return AddressWrong(
            f"{url}: no Tiledesk socket there (HTTP {status}); known forms: {FORMS}"
        )
    headers = error.resp_headers or {}
    try:
        wait = float(headers.get("retry-after", 0))
    except ValueError:
        wait = 0.0
    if status == 429:
        return Unreachable("too many connections (HTTP 429)", wait or 60.0)
    return Unreachable(f"HTTP {status}", wait)


def _reason(error: BaseException) -> str:
    """Name an error without its text, which may hold the address and so the token."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, websocket.WebSocketConnectionClosedException):
        return "connection lost"
    if isinstance(error, websocket.WebSocketException):
        return f"not what a WebSocket says ({type(error).__name__})"
    return type(error).__name__


@dataclass
class Backoff:
    """Seconds to wait before the next try: full jitter between 0 and a doubling limit."""

    first: float = 1.0
    longest: float = 60.0
    stable: float = 60.0
    _limit: float = 0.0

    def connected_for(self, seconds: float) -> None:
        """Take how long the last connection lasted; a stable one begins anew."""
        if seconds >= self.stable:
            self._limit = 0.0

    def next(self) -> float:
        """Return the next wait."""
        self._limit = min(self.longest, self._limit * 2 or self.first)
        return random.uniform(0, self._limit)  # noqa: S311 (jitter, not a secret)


def converse(
    client: Client,
    session: Session,
    clock: Callable[[], int],
    stopping: Callable[[], bool],
) -> None:
    """Move frames until asked to stop; raise Lost when the connection ends by itself."""
    due = 0.0
    while not stopping():
        _send(client, session)
        try:
            opcode, data = client.recv_data()
        except websocket.WebSocketTimeoutException:
            opcode, data = -1, b""
        except (websocket.WebSocketException, OSError) as error:
            raise Lost(_reason(error)) from None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Lost(f"closed by the server {_close_code(data)}")
        if opcode == websocket.ABNF.OPCODE_TEXT:
            session.received_all(_burst(client, data), clock())
        elif opcode >= 0:
            session.received(data, opcode == websocket.ABNF.OPCODE_BINARY, clock())
        now = time.monotonic()
        if opcode < 0 or now >= due:
            due = now + POLL
            session.tick(clock())
            if session.is_silent():
                raise Lost("nothing received, not even a heartbeat")


def _burst(client: Client, first: bytes) -> list[bytes]:
    """Return a frame and those that had arrived with it."""
    frames = [first]
    buffered = client.sock
    if isinstance(buffered, _Buffered):
        while len(frames) < _TOGETHER and (data := buffered.frame()) is not None:
            frames.append(data)
    return frames


def _close_code(data: bytes) -> str:
    return str(int.from_bytes(data[:2], "big")) if len(data) >= 2 else "without a code"


def _send(client: Client, session: Session) -> None:
    frames = session.outbox()
    if not frames:
        return
    client.settimeout(HANDSHAKE)
    try:
        for frame in frames:
            client.send(frame)
    except (websocket.WebSocketException, OSError) as error:
        raise Lost(_reason(error)) from None
    finally:
        client.settimeout(POLL)


def farewell(client: Client, session: Session, clock: Callable[[], int]) -> None:
    """Leave every topic and keep what the server had sent before it heard of it."""
    session.leave()
    asked = time.monotonic()
    try:
        _send(client, session)
        while time.monotonic() - asked < 2:
            opcode, data = client.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE or b'"pong"' in data[:100]:
                return
            session.received(data, opcode == websocket.ABNF.OPCODE_BINARY, clock())
    except (websocket.WebSocketException, OSError, Lost):
        return


def hang_up(client: Client) -> None:
    """Close the socket, whatever its state."""
    try:
        client.close(timeout=1)
    except (websocket.WebSocketException, OSError, ValueError):
        client.shutdown()  # type: ignore[no-untyped-call]
