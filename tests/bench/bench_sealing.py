"""Sealing: what the process beside the recorder does, and takes.

As many full segments of the default size as one process seals (the frames of a recorded day, again
and again) are sealed by it, as the recorder has it done. Processor time is all that it has, its
start included. The same frames are sent as fast as they are taken, by a sender on the other core,
to the bare loop and to the recorder (see *Receiving*). The bar is 20 µs a frame, and to seal what a
recorder has to take: 0.45 of what the bare loop takes. Each is done three times, and the best
counts, which depends least on what else is at work. A recorder is never held up by sealing: where
frames come faster than they are sealed, for want of a second core, say, the journal grows until
they do not, and is sealed then. What the time is spent on is told in
[decisions.md](decisions.md#sealing-reads-a-frame-once).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from bench_receiving import BARE
from loopback import PROJECT, captured, encode, record, run

from archiver.recording import Recording
from archiver.sealer import TOGETHER

STREAM = 200_000_000
ROUNDS = 3
SEAL = """
import resource, sys
from pathlib import Path
from archiver import fs
from archiver.sealer import Sealer
sealer = Sealer(Path(sys.argv[1]), "main", fs.PRIVATE)
sealer.look_after([Path(name) for name in sys.argv[2:]])
sealer.wait()
assert sealer.sealed == len(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


@dataclass(frozen=True)
class Sealing:
    """Frames and bytes sealed, the seconds of processor time, and the highest memory in MB."""

    frames: int
    size: int
    seconds: float
    peak: float


def fill(recording: Recording) -> tuple[int, int]:
    """Fill as many segments as one process seals; return frames and bytes."""
    count = size = 0
    for frame in cycle(captured()):
        recording.keep([frame], recording.clock(), 1)
        count, size = count + 1, size + len(frame)
        if recording.is_due(recording.clock()):
            recording.roll(recording.clock())
            if len(recording.closed()) == TOGETHER:
                break
    return count, size


def seal() -> Sealing:
    """Have a process seal."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        recording = Recording(archive, "main", [PROJECT])
        count, size = fill(recording)
        arguments = [str(archive), *map(str, recording.closed())]
        found = subprocess.run(
            [sys.executable, "-c", SEAL, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},  # compiled, as pip installs it
        )
    seconds, peak = map(float, found.stdout.split())
    return Sealing(count, size, seconds, peak / 1000)


def receive(archive: str | None = None) -> float:
    """Return how many of these frames a recorder takes in a second, or else the bare loop."""
    frames = captured()
    copies = STREAM // sum(map(len, frames))
    stream = b"".join(map(encode, frames)) * copies

    def send(client: socket.socket) -> None:
        client.sendall(stream)

    command = record(archive) if archive else [sys.executable, "-c", BARE, "URL"]
    return len(frames) * copies / run(command, send).seconds


def recorded() -> float:
    """Return how many a new recorder takes in a second."""
    with tempfile.TemporaryDirectory() as folder:
        return receive(folder)


def measure() -> str:
    done = min((seal() for _ in range(ROUNDS)), key=lambda one: one.seconds)
    rate = done.frames / done.seconds
    bare = max(receive() for _ in range(ROUNDS))
    ours = max(recorded() for _ in range(ROUNDS))
    return (
        f"{done.frames:,} frames of {done.size / done.frames / 1000:.1f} kB in {done.seconds:.1f} s"
        f" of one core: **{rate:,.0f} frames/s**, {1e6 / rate:.1f} µs a frame,"
        f" {done.size / done.seconds / 1e6:.0f} MB/s. Highest memory: {done.peak:.0f} MB.\n"
        f"The bare loop takes {bare:,.0f} a second: sealing does **{rate / bare:.2f}** of that."
        f" A recorder takes {ours:,.0f}: sealing does {rate / ours:.2f} of that."
    )
