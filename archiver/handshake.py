"""Dialling: opens a connection, and tells what may pass by itself from what will not.

It says no more of a failure than is safe: the address that is dialled holds the token.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import websocket

from archiver.address import FORMS
from archiver.connection import POLL, Buffered, Client, reason
from archiver.errors import AccessRefused, AddressWrong

HANDSHAKE = 10.0
TOO_MANY = 60.0
LONGEST_WAIT = 900.0


class Unreachable(Exception):
    """The server could not be reached now: worth another try, after `wait` seconds if it said."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


def dial(url: str, token: str) -> Client:
    """Open the WebSocket.

    Raises AccessRefused (401, 403), AddressWrong (3xx, 400, 404, unknown host, bad certificate),
    and Unreachable for what may pass by itself (429, 5xx, refused, time-outs).
    """
    client = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
    client.settimeout(HANDSHAKE)
    try:
        with _patience(client):
            client.connect(  # type: ignore[no-untyped-call]
                f"{url}?token={quote(token, safe='')}", redirect_limit=0
            )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(url, error.status_code, error.resp_headers or {}) from None
    except (websocket.WebSocketAddressException, socket.gaierror):
        host = urlsplit(url).hostname
        raise AddressWrong(f"{url}: the name {host} does not resolve; check --url") from None
    except ssl.SSLCertVerificationError as error:
        raise AddressWrong(f"{url}: bad certificate ({error.verify_message})") from None
    except websocket.WebSocketTimeoutException:
        raise Unreachable(f"no answer to the handshake in {HANDSHAKE:.0f} s") from None
    except (websocket.WebSocketException, OSError, ValueError) as error:
        answer = client.handshake_response
        if answer is not None and 300 <= answer.status < 400:
            raise _refusal(url, answer.status, answer.headers) from None
        raise Unreachable(reason(error)) from None
    client.settimeout(POLL)
    assert client.sock is not None
    client.sock = Buffered(client.sock)  # type: ignore[assignment]
    return client


@contextmanager
def _patience(client: Client) -> Iterator[None]:
    """Cut a handshake that drags on: every byte of it may come in time, and the last one never."""
    is_late = threading.Event()

    def cut() -> None:
        is_late.set()
        plain = client.sock
        if plain is not None:
            with suppress(OSError):
                socket.socket.shutdown(plain, socket.SHUT_RDWR)

    timer = threading.Timer(3 * HANDSHAKE, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (websocket.WebSocketException, OSError):
        if is_late.is_set():
            raise Unreachable(f"no end of the handshake in {3 * HANDSHAKE:.0f} s") from None
        raise
    finally:
        timer.cancel()


def _refusal(url: str, status: int, headers: Mapping[str, str]) -> Exception:
    if status in (401, 403):
        return AccessRefused(
            f"{url}: the server refuses the token (HTTP {status});"
            " get a new one from POST /auth/signin and put it where the old one was"
        )
    if 300 <= status < 400 or status in (400, 404):
        return AddressWrong(
            f"{url}: no Tiledesk socket there (HTTP {status}); known forms: {FORMS}"
        )
    wait = retry_after(headers.get("retry-after", ""), time.time())
    if status == 429:
        return Unreachable("too many connections (HTTP 429)", wait or TOO_MANY)
    return Unreachable(f"HTTP {status}", wait)


def retry_after(text: str, now: float) -> float:
    """Return the seconds that a server asks to wait, as a number or a date; 0 if it does not.

    A quarter of an hour at the most: what is sent meanwhile is lost.
    """
    try:
        wait = float(text)
    except ValueError:
        try:
            wait = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(wait, LONGEST_WAIT) if wait > 0 else 0.0


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
