"""Sealing: what the process beside the recorder does, and takes.

As many full segments of the default size as one process seals (the frames of a recorded day, again
and again) are sealed by it, as the recorder has it done. Processor time includes the process's
start. The same frames are sent to a recorder as fast as it takes them: the ratio tells how much of
that rate one core seals beside it. A recorder is never held up by sealing; where frames come faster
than that for long, the journal grows until they do not.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

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
            [sys.executable, "-c", SEAL, *arguments], check=True, capture_output=True, text=True
        )
    seconds, peak = map(float, found.stdout.split())
    return Sealing(count, size, seconds, peak / 1000)


def receive() -> float:
    """Return how many of these frames a recorder takes in a second, the median of some runs."""
    frames = captured()
    copies = STREAM // sum(map(len, frames))
    stream = b"".join(map(encode, frames)) * copies

    def send(client: socket.socket) -> None:
        client.sendall(stream)

    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(run(record(folder), send).seconds)
    return len(frames) * copies / statistics.median(seconds)


def measure() -> str:
    done = seal()
    rate, received = done.frames / done.seconds, receive()
    return (
        f"{done.frames:,} frames of {done.size / done.frames / 1000:.1f} kB in {done.seconds:.1f} s"
        f" of one core: **{rate:,.0f} frames/s**,"
        f" {done.size / done.seconds / 1e6:.0f} MB/s. Highest memory: {done.peak:.0f} MB.\n"
        f"A recorder takes {received:,.0f} a second: sealing does **{rate / received:.2f}** of it."
    )
