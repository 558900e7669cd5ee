"""The archive of a desk, and a day's report.

A simulated desk of 250 chats a day is recorded for two weeks by `archiver simulate history`, which
is the recorder without its socket. Then the report of the last day is made, in a new process each
time, best of three.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyarrow import parquet

DAYS = 14
ROUNDS = 3
BIN = Path(sys.executable).parent


def seconds(*command: str | Path) -> float:
    """Return how long a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def measure() -> str:
    """Build the archive, weigh it, and report on it."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        days = ("--days", str(DAYS))
        building = seconds(BIN / "archiver", "simulate", "history", "--archive", archive, *days)
        parts = list(archive.glob("project_id=*/date=*/*.parquet"))
        rows = sum(parquet.read_metadata(part).num_rows for part in parts)
        size = sum(part.stat().st_size for part in parts)
        report = (BIN / "analytics", "report", "--archive", archive, "--format", "json")
        reporting = min(seconds(*report) for _ in range(ROUNDS))
    return "\n".join(
        [
            "| | |",
            "|---|---:|",
            f"| rows | {rows:,} |",
            f"| bytes a row, sealed | {size / rows:.0f} |",
            f"| MB a day | {size / DAYS / 1e6:.2f} |",
            f"| seconds to simulate and record a day | {building / DAYS:.2f} |",
            f"| seconds for a day's report | {reporting:.2f} |",
        ]
    )
