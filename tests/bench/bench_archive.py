"""The archive: bytes an event takes, and what a day's report costs.

`archiver simulate history` writes a week and four weeks of the default desk (about 250 chats a day)
through the recorder's own journal. Bytes are those of the sealed parts against the entities' JSON
as it was received. The report is `analytics report --format json` of one day, a whole process each
time, the median of five; its highest memory is the process's. In four weeks it finds earlier days
to compare with, in one it does not; see *Reports* for whether the size of the archive matters.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

BIN = Path(sys.executable).parent
DAY = "2026-11-19"
UNTIL = "2026-11-22"
ROUNDS = 5


def run(*arguments: object) -> float:
    """Run a command of ours; return its seconds."""
    program, *rest = map(str, arguments)
    began = time.perf_counter()
    subprocess.run([BIN / program, *rest], check=True, capture_output=True)
    return time.perf_counter() - began


def weigh(archive: Path) -> tuple[int, int, int]:
    """Return rows, bytes on disk, and bytes of the payloads as received."""
    rows = size = received = 0
    for path in archive.rglob("*.parquet"):
        payloads = pq.read_table(path, columns=["payload"])["payload"]
        rows += len(payloads)
        size += path.stat().st_size
        received += sum(len(chunk.as_buffer()) for chunk in payloads if chunk.is_valid)
    return rows, size, received


def measure() -> str:
    lines = [
        "| days | rows | written | bytes a row | of the JSON | rows/s | a day's report |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for days in (7, 28):
            archive = Path(folder) / str(days)
            told = ("--archive", archive, "--days", days, "--until", UNTIL)
            seconds = run("archiver", "simulate", "history", *told)
            rows, size, received = weigh(archive)
            asked = ("--archive", archive, "--date", DAY, "--format", "json")
            reports = [run("analytics", "report", *asked) for _ in range(ROUNDS)]
            lines.append(
                f"| {days} | {rows:,} | {size / 1e6:.1f} MB | {size / rows:.0f}"
                f" | {size / received:.1%} | {rows / seconds:,.0f}"
                f" | {statistics.median(reports):.2f} s |"
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return "\n".join([*lines, "", f"Highest memory of any of these processes: {peak:.0f} MB."])
