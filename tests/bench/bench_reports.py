"""Reports: what a day costs in a month and in a year of archive, and against the raw JSON.

One simulated week of a busy desk, tiled to four weeks and to a year (`tests/bench/tiled.py`). The
report is `analytics report --format json` of one day, a whole process each time, run alternately;
the medians are compared. Bytes are what its process read, from files or their cache.

Against it, the same day by who logs every entity as a line of JSON: pandas and Polars
(`tests/bench/raw.py`) read the lines of the days that the report reads, and answer three
questions: first human response, chats by agent, chats at once by agent. The archive answers the
same three with `analytics metric`, and with the whole report.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import tiled
from raw import WAYS

from archiver import contract

UNTIL = date(2026, 11, 22)
DAY = UNTIL - timedelta(days=5)
"""Of the week that was not moved, so that its payloads tell the same as the columns."""
CHATS, AGENTS = 1700, 40
ROUNDS = 5
MONTH, YEAR = 4, 52
QUESTIONS = ("first_response_human", "agent_chats", "agent_load")
HERE = Path(__file__).parent
BIN = Path(sys.executable).parent

# Runs a command of ours in this process, then says what it cost.
_MEASURED = """
import runpy, sys, time
sys.argv = sys.argv[1:]
code = 0
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as done:
    code = done.code
# Not getrusage(): that remembers the process which started this one.
read = next(l for l in open("/proc/self/io") if l.startswith("rchar")).split()[1]
peak = next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]
print(time.process_time(), peak, read, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """What a process cost: seconds with its start, MB at most and read, seconds of processor."""

    seconds: float
    memory: float
    read: float
    processor: float


def cost(*command: object, limit: float | None = None) -> Cost:
    """Run a Python program, for so many seconds at most, and return what it cost."""
    return told(*command, limit=limit)[0]


def told(*command: object, limit: float | None = None, status: int = 0) -> tuple[Cost, str]:
    """Run a Python program that ends with a status; return what it cost, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, command)],
        check=False,
        capture_output=True,
        text=True,
        timeout=limit,
    )
    seconds = time.perf_counter() - began
    assert done.returncode == status, f"{command} ended with {done.returncode}: {done.stderr}"
    processor, peak, read = done.stderr.split()[-3:]
    return Cost(seconds, int(peak) / 1000, int(read) / 1e6, float(processor)), done.stdout


def median(costs: list[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(statistics.median(getattr(c, n) for c in costs) for n in Cost.__annotations__))


def write_lines(archive: Path, target: Path) -> int:
    """Write the raw entities of the days that the report reads as JSON lines; return how many."""
    first, last = DAY - timedelta(days=2), DAY + timedelta(days=7)
    count = 0
    with target.open("w", encoding="utf-8") as lines:
        for part in sorted(archive.glob(contract.parts_glob())):
            if first <= date.fromisoformat(part.parent.name.removeprefix("date=")) <= last:
                table = pq.ParquetFile(part).read(columns=["kind", "payload"])
                for kind, payload in zip(*(c.to_pylist() for c in table.columns), strict=True):
                    if kind in {"request", "message", "agent"} and payload.startswith("{"):
                        lines.write(f'{{"kind":"{kind}","payload":{payload}}}\n')
                        count += 1
    return count


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        week = tiled.week(root / "week", UNTIL, CHATS, AGENTS)
        rows = {weeks: tiled.tile(week, root / str(weeks), weeks) for weeks in (MONTH, YEAR)}
        lines = write_lines(root / str(MONTH), root / "raw.jsonl")
        return "\n".join([*_by_length(root, rows), "", *_by_way(root, lines)])


def _report(archive: Path) -> Cost:
    asked = ("--archive", archive, "--date", DAY, "--format", "json")
    return cost(BIN / "analytics", "report", *asked)


def _by_length(root: Path, rows: dict[int, int]) -> list[str]:
    costs: dict[int, list[Cost]] = {weeks: [] for weeks in rows}
    for _ in range(ROUNDS):
        for weeks, found in costs.items():
            found.append(_report(root / str(weeks)))
    medians = {weeks: median(found) for weeks, found in costs.items()}
    ratio = medians[YEAR].seconds / medians[MONTH].seconds
    return [
        "| archive | events | a day's report | memory | read |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {weeks * 7} days | {rows[weeks]:,} | {one.seconds:.2f} s"
            f" | {one.memory:.0f} MB | {one.read:.1f} MB |"
            for weeks, one in medians.items()
        ),
        "",
        f"Ratio: **{ratio:.2f}** (bar: 1.2).",
    ]


def _by_way(root: Path, lines: int) -> list[str]:
    asked = ("--archive", root / str(MONTH), "--date", DAY, "--format", "json")
    raw = (root / "raw.jsonl", DAY, DAY + timedelta(days=1))
    ways = {
        **{f"{way}, over the JSON lines": cost(HERE / "raw.py", way, *raw) for way in WAYS},
        "`analytics report`, the same three": cost(
            BIN / "analytics", "report", "--metrics", ",".join(QUESTIONS), "--no-compare", *asked
        ),
        "`analytics report`, everything": _report(root / str(MONTH)),
    }
    slowest = ways["pandas, over the JSON lines"].seconds
    return [
        f"{lines:,} lines, {(root / 'raw.jsonl').stat().st_size / 1e9:.2f} GB.",
        "",
        "| way | seconds | memory | pandas takes |",
        "|---|---:|---:|---:|",
        *(
            f"| {way} | {one.seconds:.1f} | {one.memory:.0f} MB | {slowest / one.seconds:.1f} × |"
            for way, one in ways.items()
        ),
    ]
