"""A usual load: processor time at 50 events a second.

The recorder, with its default settings, is sent frames of a recorded day at an even pace for a
minute. Processor time is what its process had in that minute; sealing comes later, in a process of
its own (see *Sealing*), and is added at the rate measured there. The bar is 2 % of a core.
"""

from __future__ import annotations

import socket
import tempfile
import time
from itertools import cycle, islice

from bench_sealing import seal
from loopback import captured, encode, record, run

RATE = 50
SECONDS = 60


def send(client: socket.socket) -> None:
    """Send a frame each fiftieth of a second."""
    began = time.monotonic()
    for number, frame in enumerate(islice(cycle(captured()), RATE * SECONDS)):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        client.sendall(encode(frame))


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        ran = run(record(folder), send)
    receiving = ran.processor / ran.seconds
    sealed = seal()
    sealing = RATE * sealed.seconds / sealed.frames
    return (
        f"Receiving {receiving:.2%}, sealing {sealing:.2%}, together"
        f" **{receiving + sealing:.2%}** of a core; memory {ran.life.peak:.0f} MB."
    )
