"""An open connection on loopback: what is kept of whatever comes, in which pieces it may come."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

import pytest

from archiver import connection, handshake, journal, records
from archiver.protocol import SECOND, Limits, Protocol
from archiver.recorder import steady_clock
from archiver.recording import Recording, wall_clock


def ws(data: bytes, first: int = 0x81) -> bytes:
    """Spell a server's frame."""
    size = len(data)
    if size < 126:
        return bytes([first, size]) + data
    if size < 65536:
        return bytes([first, 126]) + size.to_bytes(2, "big") + data
    return bytes([first, 127]) + size.to_bytes(8, "big") + data


@contextmanager
def serving(pieces: Iterable[bytes], pause: float = 0.0) -> Iterator[str]:
    """Accept a client and send him these, one after the other, then no more."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client, suppress(OSError):
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
                    done.wait(pause)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/"
        done.set()
        thread.join()


def received(tmp_path, *pieces: bytes) -> list[tuple[int, bytes]]:
    """Send these bytes behind a handshake; return what the journal holds of them."""
    recording = Recording(tmp_path / "archive", "main", ["p"], wall_clock, steady_clock)
    session = recording.session()
    with serving(pieces) as url:
        client = handshake.dial(url, "simulated")
        session.opened(wall_clock())
        with pytest.raises(connection.Lost):
            connection.converse(client, session, wall_clock, lambda: False)
        connection.hang_up(client)
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


def test_a_frame_that_dribbles_in_is_no_silence_and_keeps_nobody_from_stopping(tmp_path):
    recording = Recording(tmp_path / "archive", "main", ["p"], wall_clock, steady_clock)
    session = recording.session()
    sent: list[int] = []
    dribble = (sent.append(1) or b"x" for _ in range(50_000))
    began = time.monotonic()
    with serving(chain([ws(bytes(60_000))[:4]], dribble), pause=0.01) as url:
        client = handshake.dial(url, "simulated")
        session.opened(wall_clock())
        session.protocol = Protocol(recording.memory, ["p"], steady_clock(), Limits(silence=SECOND))
        connection.converse(client, session, wall_clock, lambda: time.monotonic() > began + 2.5)
        stopped = time.monotonic()
        connection.hang_up(client)
        ended = time.monotonic()

    assert len(sent) > 100
    assert stopped - began < 3.5
    assert ended - stopped < 3


def test_pings_of_a_proxy_are_no_sign_of_a_server(tmp_path):
    recording = Recording(tmp_path / "archive", "main", ["p"], wall_clock, steady_clock)
    session = recording.session()
    pings = (ws(b"", 0x89) for _ in range(1000))
    with serving(pings, pause=0.02) as url:
        client = handshake.dial(url, "simulated")
        session.opened(wall_clock())
        session.protocol = Protocol(recording.memory, ["p"], steady_clock(), Limits(silence=SECOND))
        with pytest.raises(connection.Lost) as lost:
            connection.converse(client, session, wall_clock, lambda: False)
        connection.hang_up(client)

    assert str(lost.value) == "nothing received, not even a heartbeat"
