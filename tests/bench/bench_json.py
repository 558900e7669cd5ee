"""JSON parsers.

Each parser reads the frames that a real server sent (`tests/data/captures`), best of seven
rounds. *Envelope* reads topic and method only and leaves what the server published as text, which
is what receiving needs; only msgspec can.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson

from archiver.frames import read_frame

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
ROUNDS = 7


def frames() -> list[bytes]:
    """Return every frame that was received in the captures."""
    found = []
    for path in sorted(CAPTURES.rglob("*frames.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [
                line["data"].encode()
                for line in map(json.loads, lines)
                if line["dir"] == "in" and line["op"] == "text"
            ]
    return found


def microseconds(read: Callable[[bytes], object], texts: list[bytes]) -> float:
    """Return the time a text takes, in the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for text in texts:
            read(text)
        best = min(best, time.perf_counter() - start)
    return best / len(texts) * 1e6


def measure() -> str:
    """Time whole decodes, and our reading of the envelope."""
    texts = frames()
    size = sum(map(len, texts)) / len(texts)
    rows = {
        "standard library": json.loads,
        "orjson": orjson.loads,
        "msgspec": msgspec.json.Decoder().decode,
        "msgspec, envelope (`archiver.frames.read_frame`)": read_frame,
    }
    lines = [
        f"{len(texts)} frames of {size / 1000:.1f} kB on average.",
        "",
        "| reader | µs a frame |",
        "|---|---|",
    ]
    lines += [f"| {name} | {microseconds(read, texts):.2f} |" for name, read in rows.items()]
    return "\n".join(lines)
