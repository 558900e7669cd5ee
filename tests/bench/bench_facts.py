"""Facts: what it costs to keep them, and what a report over many days costs with them and without.

One simulated week of a busy desk, tiled to a year (`tests/bench/tiled.py`). `analytics build` keeps
all days but the last, then the last. `analytics report --format json` of a year and of four weeks,
without earlier days: from what is kept, and from the archive (`--look-back 2`, which asks no
facts); of a year, also where it may not hold more than so much. Each figure is a whole process,
once; seconds of processor are those of both cores.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import tiled
from bench_reports import AGENTS, BIN, CHATS, UNTIL, YEAR, Cost, cost

from archiver import contract

LAST = UNTIL - timedelta(days=1)
LITTLE = "1GB"


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        week = tiled.week(root / "week", UNTIL, CHATS, AGENTS)
        rows = tiled.tile(week, root / "year", YEAR)
        built = _build(root / "year")
        size = _size(root / "year" / contract.DERIVED_FOLDER)
        told = {"all but a day": built[0], "that day": built[1]}
        return "\n".join(
            [
                f"{rows:,} events; kept of them: {size / 1e6:.0f} MB.",
                "",
                *_table("build", told),
                "",
                *_table("report", _reports(root / "year")),
            ]
        )


def _build(archive: Path) -> list[Cost]:
    """Build without the last day, then with it."""
    found = []
    (last,) = archive.glob(contract.partitions_glob(day=str(LAST)))
    aside = last.rename(archive.parent / "aside")
    for _ in range(2):
        found.append(cost(BIN / "analytics", "build", "--archive", archive))
        if aside.exists():
            aside.rename(last)
    return found


def _reports(archive: Path) -> dict[str, Cost]:
    ask = (BIN / "analytics", "report", "--archive", archive, "--no-compare", "--format", "json")
    found = {}
    for name, weeks in (("four weeks", 4), ("a year", YEAR)):
        days = ("--since", UNTIL - timedelta(weeks=weeks), "--until", UNTIL)
        found[f"{name}, of facts"] = cost(*ask, *days)
        found[f"{name}, of the archive"] = cost(*ask, *days, "--look-back", "2")
    for name, said in (("facts", ()), ("the archive", ("--look-back", "2"))):
        limited = cost(*ask, *days, *said, "--memory-limit", LITTLE)
        found[f"a year, of {name}, in {LITTLE}"] = limited
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _table(what: str, told: dict[str, Cost]) -> list[str]:
    return [
        f"| {what} | seconds | of processor | memory | read |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {one.seconds:.1f} | {one.processor:.1f}"
            f" | {one.memory:.0f} MB | {one.read:.0f} MB |"
            for name, one in told.items()
        ),
    ]
