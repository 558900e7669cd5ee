"""Endurance: one recorder, and frames without a pause.

`FRAMES` frames of 0.7 kB (a million, or as the environment says) are sent as fast as the recorder
takes them. Its memory, threads and open files are looked at each second; told are the medians of
the first and of the last quarter, after a warm-up of a fifth. Sealing runs beside it, on what the
sender leaves of the other core; what is not sealed when the last frame is there waits in the
journal.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from loopback import captured, encode, record, run

FRAMES = int(os.environ.get("FRAMES", "1000000"))
TOGETHER = 1000


def sealed(archive: Path) -> int:
    """Return how many frames are sealed: segments tell their first and last number."""
    spans = {}
    for path in archive.glob("project_id=*/date=*/*.parquet"):
        facts = json.loads(pq.read_metadata(path).metadata[b"archive"])
        spans[facts["segment"]] = facts["last_seq"] - facts["first_seq"]
    return sum(spans.values())


def measure() -> str:
    small = sorted(captured(), key=len)[:40]
    piece = b"".join(map(encode, small * (TOGETHER // len(small))))
    done = 0

    with tempfile.TemporaryDirectory() as folder:

        def send(client: socket.socket) -> None:
            nonlocal done
            for _ in range(FRAMES // TOGETHER):
                client.sendall(piece)
            done = sealed(Path(folder))

        ran = run(record(folder), send)
    growth = {name: ran.life.growth(name) for name in ("memory", "threads", "files")}
    lines = ["| | first quarter | last quarter |", "|---|---:|---:|"]
    for name, found in growth.items():
        unit = " MB" if name == "memory" else ""
        lines.append(f"| {name} | {found.before:.4g}{unit} | {found.after:.4g}{unit} |")
    told = (
        f"{FRAMES:,} frames in {ran.seconds:.0f} s, {FRAMES / ran.seconds:,.0f} a second; peak"
        f" memory {ran.life.peak:.0f} MB (bar: 200 MB, and flat). Sealed meanwhile: {done:,}, that"
        f" is {done / ran.seconds:,.0f} a second."
    )
    return "\n".join([*lines, "", told])
