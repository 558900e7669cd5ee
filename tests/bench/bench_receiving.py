"""Receiving: the recorder against a bare WebSocket loop.

A server on loopback sends the frames of a recorded day of forty chats again and again, as fast as
they are taken, and a ping behind them; the time ends with the pong. The bare loop is
websocket-client's `recv_data()` and nothing else: it parses nothing and keeps nothing. The recorder
is `archiver record` as installed, with its default settings: it journals (fsync every 200 ms),
follows chats, and has closed segments sealed beside it. Both run alternately, three times each; the
medians are compared. The process that seals is another one: its highest memory is told below.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from archiver.recording import Recording

FRAMES = Path(__file__).parents[1] / "data" / "captures" / "forty_chats" / "frames.jsonl.gz"
PROJECT = "6b0482710586eb286f450689"
COPIES = 120
ROUNDS = 3
PING = b'{"action":"heartbeat","payload":{"message":{"text":"ping"}}}'
BARE = """
import sys, websocket
client = websocket.WebSocket(skip_utf8_validation=True)
client.connect(sys.argv[1])
client.send("ready")
while True:
    _, data = client.recv_data()
    if data[:21] == b'{"action":"heartbeat"':
        client.send('{"action":"heartbeat","payload":{"message":{"text":"pong"}}}')
"""

SEAL = """
import runpy
runpy.run_module("archiver.seal", run_name="__main__")
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def encode(data: bytes) -> bytes:
    """Return a server's text frame."""
    size = len(data)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + data
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + data
    return struct.pack("!BBQ", 0x81, 127, size) + data


def load() -> list[bytes]:
    with gzip.open(FRAMES, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row["data"].encode() for row in rows if row["dir"] == "in"]
    return [text for text in texts if b'"heartbeat"' not in text[:30]]


def accept(server: socket.socket) -> socket.socket:
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


def wait_for_pong(client: socket.socket) -> None:
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


def timed(command: list[str], stream: bytes) -> tuple[float, int]:
    """Run a client against the stream; return the seconds and its highest memory in bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/"
        environment = os.environ | {"TILEDESK_TOKEN": "simulated"}
        process = subprocess.Popen(
            [part.replace("URL", url) for part in command],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        with accept(server) as client:
            client.recv(1)  # the client is ready: it has subscribed, or said so
            began = time.perf_counter()
            client.sendall(stream)
            wait_for_pong(client)
            seconds = time.perf_counter() - began
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
            process.send_signal(signal.SIGTERM)
        process.wait()
    return seconds, int(peak) * 1024


def seal_peak(frames: list[bytes]) -> int:
    """Return the highest memory in bytes of the process that seals a full segment."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        recording = Recording(archive, "main", [PROJECT])
        for data in frames:
            recording.keep([data], recording.clock(), 1)
            if recording.is_due(recording.clock()):
                break
        recording.roll(recording.clock())
        (segment,) = recording.closed()
        arguments = [str(archive), "main", "private", str(segment)]
        found = subprocess.run(
            [sys.executable, "-c", SEAL, *arguments], check=True, capture_output=True, text=True
        )
    return int(found.stdout) * 1024


def measure() -> str:
    frames = load() * COPIES
    stream = b"".join(map(encode, frames)) + encode(PING)
    archiver = str(Path(sys.executable).with_name("archiver"))
    bare, ours, peaks, sizes = [], [], [], []
    for _ in range(ROUNDS):
        bare.append(timed([sys.executable, "-c", BARE, "URL"], stream)[0])
        with tempfile.TemporaryDirectory() as folder:
            command = [archiver, "record", "--archive", folder, "--project", PROJECT]
            seconds, peak = timed([*command, "--url", "URL"], stream)
            ours.append(seconds)
            peaks.append(peak)
            parts = list(Path(folder).rglob("*.parquet"))
            sizes.append(sum(part.stat().st_size for part in parts))
    count = len(frames)
    sealer = seal_peak(frames)
    ratio = statistics.median(bare) / statistics.median(ours)
    note = (
        f"The process that seals took {sealer / 1e6:.0f} MB at the most.\n\n"
        f"Ratio: **{ratio:.2f}** (bar: 0.45, aim: 0.6). {count:,} frames of"
        f" {len(stream) / count / 1000:.1f} kB on average; sealed they take"
        f" {statistics.median(sizes) / count:.0f} bytes each (the same frames repeat: real archives"
        " take more)."
    )
    return "\n".join(
        [
            "| | frames/s | MB/s | peak memory |",
            "|---|---:|---:|---:|",
            _row("bare loop", count, len(stream), statistics.median(bare), None),
            _row("archiver record", count, len(stream), statistics.median(ours), max(peaks)),
            "",
            note,
        ]
    )


def _row(name: str, count: int, size: int, seconds: float, peak: int | None) -> str:
    memory = "–" if peak is None else f"{peak / 1e6:.0f} MB"
    return f"| {name} | {count / seconds:,.0f} | {size / seconds / 1e6:.0f} | {memory} |"
