"""A server on loopback that sends ready-made frames to one client, and looks at it meanwhile.

It speaks just enough WebSocket for that, and understands nothing that it is told but a pong. The
benchmarks of receiving share it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lifetime import Lifetime

CAPTURE = Path(__file__).parents[1] / "data" / "captures" / "forty_chats" / "frames.jsonl.gz"
PROJECT = "6b0482710586eb286f450689"
PING = b'{"action":"heartbeat","payload":{"message":{"text":"ping"}}}'
ARCHIVER = str(Path(sys.executable).with_name("archiver"))


def captured() -> list[bytes]:
    """Return the frames of a recorded day of forty chats, without heartbeats."""
    with gzip.open(CAPTURE, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row["data"].encode() for row in rows if row["dir"] == "in"]
    return [text for text in texts if b'"heartbeat"' not in text[:30]]


def encode(data: bytes) -> bytes:
    """Return a server's text frame."""
    size = len(data)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + data
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + data
    return struct.pack("!BBQ", 0x81, 127, size) + data


def record(archive: str, *options: str) -> list[str]:
    """Return the command that records what this server sends."""
    command = [ARCHIVER, "record", "--archive", archive, "--project", PROJECT, "--url", "URL"]
    return [*command, *options]


@dataclass
class Run:
    """A client that was sent everything.

    Seconds and processor time are until its pong, the life is until its end.
    """

    seconds: float
    life: Lifetime
    processor: float


def run(command: list[str], send: Callable[[socket.socket], None]) -> Run:
    """Start a client, send it frames and a ping, wait for its pong, and stop it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/"
        process = subprocess.Popen(
            [part.replace("URL", url) for part in command],
            env=os.environ | {"TILEDESK_TOKEN": "simulated"},
            stderr=subprocess.DEVNULL,
        )
        life = Lifetime(process.pid)
        with _accept(server) as client:
            client.recv(1)  # the client is ready: it has subscribed, or said so
            before = processor(process.pid)
            with _watching(life):
                began = time.perf_counter()
                send(client)
                client.sendall(encode(PING))
                _wait_for_pong(client)
                seconds = time.perf_counter() - began
                used = processor(process.pid) - before
                process.send_signal(signal.SIGTERM)
                process.wait()
    return Run(seconds, life, used)


def processor(pid: int) -> float:
    """Return the seconds of processor time that a process has had, its own threads only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _watching(life: Lifetime) -> Iterator[None]:
    """Take a sample each fifth of a second."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            life.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _accept(server: socket.socket) -> socket.socket:
    client, _ = server.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    key = next(
        line.split(b": ")[1]
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    return client


def _wait_for_pong(client: socket.socket) -> None:
    """Read the client's masked frames, the first byte of which was read, until a pong comes."""
    data = b"\x81"
    while True:
        data += client.recv(65536)
        while len(data) >= 6:
            size, start = data[1] & 127, 2
            if size == 126:
                size, start = struct.unpack("!H", data[2:4])[0], 4
            end = start + 4 + size
            if len(data) < end:
                break
            mask, masked = data[start : start + 4], data[start + 4 : end]
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
            data = data[end:]
            if b'"pong"' in text:
                return
