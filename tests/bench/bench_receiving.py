"""Receiving: the recorder against a bare WebSocket loop.

A server on loopback sends frames of a recorded day of forty chats again and again, as fast as
they are taken, and a ping behind them; the time ends with the pong. One line is for all frames of
that day, the others are for the forty that are nearest to a size. The bare loop is
websocket-client's `recv_data()` and nothing else: it parses nothing and keeps nothing. The recorder
is `archiver record` as installed, with its default settings: it journals (fsync every 200 ms),
follows chats, and has closed segments sealed beside it. Both run alternately, three times each; the
medians are compared. The bar is 0.45, the aim 0.6, in less than 200 MB.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile

from loopback import captured, encode, record, run

SIZES = (800, 3000, 5000)
NEAREST = 40
STREAM = 200_000_000
ROUNDS = 3
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


def compare(frames: list[bytes]) -> str:
    """Send frames to both, and return a line of the table."""
    copies = STREAM // sum(map(len, frames))
    stream = b"".join(map(encode, frames)) * copies
    count = len(frames) * copies

    def send(client: socket.socket) -> None:
        client.sendall(stream)

    bare, ours, peak = [], [], 0.0
    for _ in range(ROUNDS):
        bare.append(run([sys.executable, "-c", BARE, "URL"], send).seconds)
        with tempfile.TemporaryDirectory() as folder:
            ran = run(record(folder), send)
        ours.append(ran.seconds)
        peak = max(peak, ran.life.peak)
    theirs, mine = statistics.median(bare), statistics.median(ours)
    return (
        f"| {len(stream) / count / 1000:.1f} kB | {count / theirs:,.0f} | {count / mine:,.0f}"
        f" | {len(stream) / mine / 1e6:.0f} | **{theirs / mine:.2f}** | {peak:.0f} MB |"
    )


def measure() -> str:
    day = captured()
    sets = [sorted(day, key=lambda text: abs(len(text) - size))[:NEAREST] for size in SIZES]
    return "\n".join(
        [
            "| frames of | bare loop, frames/s | recorder, frames/s | MB/s | ratio | peak memory |",
            "|---|---:|---:|---:|---:|---:|",
            *map(compare, [day, *sets]),
        ]
    )
