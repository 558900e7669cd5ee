"""Dialling real sockets on loopback: what each refusal is, and that no token is ever said."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from archiver import connection, journal, records
from archiver.errors import AccessRefused, AddressWrong
from archiver.recorder import steady_clock
from archiver.recording import Recording, wall_clock

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
        connection.dial(url, TOKEN)

    assert str(refusal.value) == (
        f"{url}: the server refuses the token (HTTP {line[:3]});"
        " get a new one from POST /auth/signin and put it where the old one was"
    )


@pytest.mark.parametrize("line", ["400 Bad Request", "404 Not Found"])
def test_a_wrong_path_is_told_with_the_forms_that_exist(line):
    with answering(status(line)) as url, pytest.raises(AddressWrong) as refusal:
        connection.dial(url, TOKEN)

    assert str(refusal.value) == (
        f"{url}: no Tiledesk socket there (HTTP {line[:3]}); known forms: {connection.FORMS}"
    )


@pytest.mark.parametrize(
    ("answer", "why", "wait"),
    [
        (status("429 Too Many Requests"), "too many connections (HTTP 429)", 60),
        (status("429 Slow", "Retry-After: 7"), "too many connections (HTTP 429)", 7),
        (status("429 Slow", "Retry-After: Wed, 1 Jan"), "too many connections (HTTP 429)", 60),
        (status("503 Service Unavailable"), "HTTP 503", 0),
        (status("502 Bad Gateway", "Retry-After: 3"), "HTTP 502", 3),
        (status("302 Found", "Location: ws://127.0.0.1:1/"), STRANGE, 0),
        (b"", "connection lost", 0),
        (b"not http\r\n\r\n", STRANGE, 0),
    ],
)
def test_what_may_pass_is_worth_another_try(answer, why, wait):
    with answering(answer) as url, pytest.raises(connection.Unreachable) as error:
        connection.dial(url, TOKEN)

    assert (str(error.value), error.value.wait) == (why, wait)


def test_a_handshake_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(connection, "HANDSHAKE", 0.2)

    with answering(None) as url, pytest.raises(connection.Unreachable) as error:
        connection.dial(url, TOKEN)

    assert "no answer to the handshake" in str(error.value)


def test_nobody_there_is_worth_another_try():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(connection.Unreachable) as error:
        connection.dial(f"ws://127.0.0.1:{port}/", TOKEN)

    assert str(error.value) == "connection refused"


def test_a_name_that_does_not_resolve_is_a_wrong_address():
    with pytest.raises(AddressWrong) as error:
        connection.dial("wss://nowhere.invalid/v2/", TOKEN)

    assert str(error.value) == (
        "wss://nowhere.invalid/v2/: the name nowhere.invalid does not resolve; check --url"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://x/", f"http://x/: not a WebSocket address; known forms: {connection.FORMS}"),
        ("wss:///v2/", f"wss:///v2/: not a WebSocket address; known forms: {connection.FORMS}"),
        (
            "ws://chat.example/",
            (
                "ws://chat.example/: would send the token in the clear;"
                " use wss://, or --insecure if you must"
            ),
        ),
        (
            "wss://x/v2/?token=abc",
            (
                "wss://x/v2/: give the address without query;"
                " the token comes from TILEDESK_TOKEN or --token-file"
            ),
        ),
    ],
)
def test_an_address_that_cannot_be_is_refused_before_dialling(url, message):
    with pytest.raises(AddressWrong) as error:
        connection.check_url(url)

    assert str(error.value) == message


@pytest.mark.parametrize("url", ["wss://x/v2/", "ws://127.0.0.1:3000/", "ws://[::1]/ws/"])
def test_tls_or_loopback_is_well(url):
    connection.check_url(url)


def test_plain_sockets_elsewhere_are_allowed_when_asked_for():
    connection.check_url("ws://chat.example/", insecure=True)


def test_the_wait_doubles_up_to_a_minute_and_is_spread_evenly():
    backoff = connection.Backoff()

    waits = [backoff.next() for _ in range(200)]

    for wait, limit in zip(waits, [1, 2, 4, 8, 16, 32], strict=False):
        assert 0 <= wait <= limit
    assert max(waits) <= 60
    assert min(waits[6:]) < 10
    assert max(waits[6:]) > 50


def test_only_a_stable_connection_begins_the_waits_anew():
    backoff = connection.Backoff()
    for _ in range(20):
        backoff.next()

    backoff.connected_for(59)
    assert max(backoff.next() for _ in range(50)) > 1
    backoff.connected_for(60)
    assert backoff.next() <= 1


def ws(data: bytes, first: int = 0x81) -> bytes:
    """Spell a server's frame."""
    size = len(data)
    if size < 126:
        return bytes([first, size]) + data
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2, "big") + data
    return bytes([first, 127]) + size.to_bytes(8, "big") + data


def received(tmp_path, *pieces: bytes) -> list[tuple[int, bytes]]:
    """Send these bytes behind a handshake; return what the journal holds of them."""
    recording = Recording(tmp_path / "archive", "main", ["p"], wall_clock, steady_clock)
    session = recording.session()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                key = re.search(rb"Sec-WebSocket-Key: (\S+)", client.recv(65536))[1]
                guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                digest = hashlib.sha1(key + guid).digest()  # noqa: S324 (RFC 6455)
                client.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
                    + base64.b64encode(digest)
                    + b"\r\n\r\n"
                )
                for piece in pieces:
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        client = connection.dial(f"ws://127.0.0.1:{server.getsockname()[1]}/", TOKEN)
        session.opened(wall_clock())
        with pytest.raises(connection.Lost):
            connection.converse(client, session, wall_clock, lambda: False)
        connection.hang_up(client)
        thread.join()
    (segment,) = journal.segments(recording.folder)
    kept = [item for item in records.decode(segment.read_bytes()) if item.type != records.CONTROL]
    return [(item.type, item.data) for item in kept]


SIZES = [0, 1, 125, 126, 127, 3000, 65535, 65536, 300_000]


def test_a_burst_of_frames_of_every_size_is_kept_in_order(tmp_path):
    texts = [b"x" * size for size in SIZES] * 3

    kept = received(tmp_path, b"".join(map(ws, texts)))

    assert kept == [(records.TEXT, text) for text in texts]


def test_frames_cut_anywhere_on_their_way_are_put_together(tmp_path):
    stream = b"".join(ws(b"%d " % number * 50) for number in range(200))
    cuts = [stream[at : at + 997] for at in range(0, len(stream), 997)]

    kept = received(tmp_path, *cuts)

    assert kept == [(records.TEXT, b"%d " % number * 50) for number in range(200)]


def test_pings_fragments_and_binary_frames_among_a_burst_are_what_they_are(tmp_path):
    stream = [
        ws(b"one"),
        ws(b"ping", 0x89),
        ws(b"two"),
        ws(b"thr", 0x01),
        ws(b"ping", 0x89),
        ws(b"ee", 0x80),
        ws(b"\xff\x00", 0x82),
        ws(b"four"),
    ]

    kept = received(tmp_path, b"".join(stream))

    assert kept == [
        (records.TEXT, b"one"),
        (records.TEXT, b"two"),
        (records.TEXT, b"three"),
        (records.BINARY, b"\xff\x00"),
        (records.TEXT, b"four"),
    ]
