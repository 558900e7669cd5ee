"""Size: the archive against the frames that it was made of.

*Captures*: every frame that a real server sent in the recordings of `tests/data/captures`, as one
project's, in one part. *A day*: a simulated desk of 250 chats, in one part. *A quiet week*: one of
20 chats a day, with the recorder's default of a part an hour. Lines are the same frames as JSON
lines, compressed as one by zstd at level 3; the archive is all parts, with typed columns, the
recorder's own rows and footers. The bars are 1/20 of the JSON, and no more than the lines, in parts
of 2,000 rows and more; what a quiet desk's small parts cost is told for completeness.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from archiver import contract
from archiver.frames import Frame
from archiver.recording import Policy, Recording
from archiver.simulate import history
from archiver.simulate.settings import PROJECT_ID, DeskSettings
from archiver.simulate.timeline import DAY

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
BEGIN = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp() * 1000)  # a Monday


def captures(archive: Path) -> list[bytes]:
    """Record every captured frame as of one project; return the frames."""
    frames = []
    for path in sorted(CAPTURES.rglob("*frames.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts = [line["data"] for line in map(json.loads, lines) if line["dir"] == "in"]
        frames += [text.encode() for text in texts if '"heartbeat"' not in text[:30]]
    frames = [re.sub(rb'"/[0-9a-f]{24}/', f'"/{PROJECT_ID}/'.encode(), one) for one in frames]
    recording = Recording(archive, "main", [PROJECT_ID])
    for frame in frames:
        recording.keep([frame], recording.clock(), 1)
    recording.close(recording.clock())
    return frames


class Watched(Recording):
    """A recording that leaves its frames for us to weigh."""

    frames: ClassVar[list[bytes]] = []

    def keep(
        self, datas: Sequence[bytes], at: int, connection: int, *, binary: bool = False
    ) -> list[Frame]:
        self.frames.extend(datas)
        return super().keep(datas, at, connection, binary=binary)


class Hourly(Watched):
    """One that closes segments as a recorder does by default."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named | {"policy": Policy()})


def desk(archive: Path, chats: float, days: int, kind: type[Watched]) -> list[bytes]:
    """Record a simulated desk; return the frames."""
    kind.frames.clear()
    settings = DeskSettings(chats_per_day=chats)
    plan = history.Plan(archive, history.Span(BEGIN, BEGIN + days * DAY))
    with patch.object(history, "Recording", kind):
        history.record_history(settings, plan)
    return list(kind.frames)


def weigh(name: str, archive: Path, frames: list[bytes]) -> str:
    """Return a line of the table."""
    parts = list(archive.glob(contract.parts_glob()))
    rows = sum(pq.read_metadata(path).num_rows for path in parts)
    size = sum(path.stat().st_size for path in parts)
    text = b"\n".join(frames)
    lines = len(pa.Codec("zstd", compression_level=3).compress(text))
    return (
        f"| {name} | {len(parts)} | {rows:,} | {len(text) / 1e6:.1f} MB | {lines / 1e3:,.0f} kB"
        f" | {size / 1e3:,.0f} kB | {size / rows:,.0f} B | **1/{len(text) / size:.0f}**"
        f" | **{size / lines:.2f}** |"
    )


def measure() -> str:
    table = [
        "| frames | parts | rows | JSON | lines | archive | a row | of the JSON | of the lines |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        table.append(weigh("captures", root / "a", captures(root / "a")))
        table.append(weigh("a day", root / "b", desk(root / "b", 250, 1, Watched)))
        table.append(weigh("a quiet week", root / "c", desk(root / "c", 20, 7, Hourly)))
    return "\n".join(table)
