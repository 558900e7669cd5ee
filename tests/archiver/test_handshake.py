"""Dialling real sockets on loopback: what each refusal is, and that no token is ever said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from archiver import handshake
from archiver.address import FORMS
from archiver.errors import AccessRefused, AddressWrong

STRANGE = "not what a WebSocket says (WebSocketException)"
TOKEN = "secret.jwt.token"


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """Answer one handshake with these bytes and close; with None, never answer."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                heard.append(client.recv(65536))
                if answer is None:
                    done.wait(30)
                else:
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/"
        done.set()
        thread.join()
    assert b"GET /?token=secret.jwt.token HTTP/1.1" in heard[0]


def status(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "", ""]).encode()


@pytest.mark.parametrize("line", ["401 Unauthorized", "403 Forbidden"])
def test_a_refused_token_is_access_refused(line):
    with answering(status(line)) as url, pytest.raises(AccessRefused) as refusal:
        handshake.dial(url, TOKEN)

    assert str(refusal.value) == (
        f"{url}: the server refuses the token (HTTP {line[:3]});"
        " get a new one from POST /auth/signin and put it where the old one was"
    )


@pytest.mark.parametrize("line", ["400 Bad Request", "404 Not Found", "302 Found", "308 Moved"])
def test_a_wrong_path_is_told_with_the_forms_that_exist(line):
    with answering(status(line)) as url, pytest.raises(AddressWrong) as refusal:
        handshake.dial(url, TOKEN)

    assert str(refusal.value) == (
        f"{url}: no Tiledesk socket there (HTTP {line[:3]}); known forms: {FORMS}"
    )


@pytest.mark.parametrize(
    ("answer", "why", "wait"),
    [
        (status("429 Too Many Requests"), "too many connections (HTTP 429)", 60),
        (status("429 Slow", "Retry-After: 7"), "too many connections (HTTP 429)", 7),
        (status("429 Slow", "Retry-After: Wed, 1 Jan"), "too many connections (HTTP 429)", 60),
        (status("503 Service Unavailable"), "HTTP 503", 0),
        (status("502 Bad Gateway", "Retry-After: 3"), "HTTP 502", 3),
        (status("503 Later", "Retry-After: soon"), "HTTP 503", 0),
        (b"", "connection lost", 0),
        (b"not http\r\n\r\n", STRANGE, 0),
        (b"HTTP/1.1\r\n\r\n", STRANGE, 0),
        (b"HTTP/1.1 101 \xff\r\n\r\n", STRANGE, 0),
        (status("101 Switching Protocols", "Upgrade: tea"), STRANGE, 0),
        (status("500 No").replace(b"Length: 0", b"Length: soon"), STRANGE, 0),
    ],
)
def test_what_may_pass_is_worth_another_try(answer, why, wait):
    with answering(answer) as url, pytest.raises(handshake.Unreachable) as error:
        handshake.dial(url, TOKEN)

    assert (str(error.value), error.value.wait) == (why, wait)


def test_a_handshake_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(handshake, "HANDSHAKE", 0.2)

    with answering(None) as url, pytest.raises(handshake.Unreachable) as error:
        handshake.dial(url, TOKEN)

    assert "no answer to the handshake" in str(error.value)


def test_a_handshake_that_dribbles_is_given_up(monkeypatch):
    monkeypatch.setattr(handshake, "HANDSHAKE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            client, _ = server.accept()
            with client:
                while not done.wait(0.05):  # each byte in time, and never the last
                    with suppress(OSError):
                        client.send(b"H")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(handshake.Unreachable) as error:
            handshake.dial(f"ws://127.0.0.1:{server.getsockname()[1]}/", TOKEN)
        done.set()
        thread.join()

    assert str(error.value) == "no end of the handshake in 1 s"


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30),
        ("Wed, 25 Nov 2026 11:59:00 GMT", 0),
        ("Fri, 25 Dec 2026 12:00:00 GMT", 900),
        ("86400", 900),
        ("inf", 900),
        ("nan", 0),
        ("-3", 0),
        ("soon", 0),
        ("", 0),
    ],
)
def test_a_wait_is_asked_for_in_seconds_or_until_a_date_and_never_for_ever(text, wait):
    assert handshake.retry_after(text, 1_795_608_000.0) == wait


def test_nobody_there_is_worth_another_try():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(handshake.Unreachable) as error:
        handshake.dial(f"ws://127.0.0.1:{port}/", TOKEN)

    assert str(error.value) == "connection refused"


def test_a_name_that_does_not_resolve_is_a_wrong_address():
    with pytest.raises(AddressWrong) as error:
        handshake.dial("wss://nowhere.invalid/v2/", TOKEN)

    assert str(error.value) == (
        "wss://nowhere.invalid/v2/: the name nowhere.invalid does not resolve; check --url"
    )


def test_the_wait_doubles_up_to_a_minute_and_is_spread_evenly():
    backoff = handshake.Backoff()

    waits = [backoff.next() for _ in range(200)]

    for wait, limit in zip(waits, [1, 2, 4, 8, 16, 32], strict=False):
        assert 0 <= wait <= limit
    assert max(waits) <= 60
    assert min(waits[6:]) < 10
    assert max(waits[6:]) > 50


def test_only_a_stable_connection_begins_the_waits_anew():
    backoff = handshake.Backoff()
    for _ in range(20):
        backoff.next()

    backoff.connected_for(59)
    assert max(backoff.next() for _ in range(50)) > 1
    backoff.connected_for(60)
    assert backoff.next() <= 1
