"""Capacity: from a year of history to a plan of two weeks, and what its sums cost.

One simulated week of the default desk (about 250 chats a day), tiled to a year
(`tests/bench/tiled.py`). `analytics capacity --format json` plans from the last twelve weeks, as
it does if nothing is said, and from the whole year: a whole process each time, the median of
three. Solving is the chat model for 1,000 agents with three chats at once and visitors who lose
patience, `required` the search for so many; both without what was solved before, the best of nine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import tiled
from bench_reports import UNTIL, YEAR, Cost, cost, median

from analytics.capacity.chat_model import Demand, solve
from analytics.capacity.staffing import Target, required

CHATS, AGENTS = 250, 12
ROUNDS, TRIES = 3, 9
MANY = 1000
BIN = Path(sys.executable).parent
HANDLING = (480.0, 560.0, 660.0)
DEMAND = Demand(arrival_rate=4.1, handle_times=HANDLING, patience=300.0)
"""For which the usual target takes about so many agents."""


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        week = tiled.week(root / "week", UNTIL, CHATS, AGENTS)
        rows = tiled.tile(week, root / "year", YEAR)
        spans = {"twelve weeks": 12, "the year": YEAR}
        costs = {name: _plan(root / "year", weeks) for name, weeks in spans.items()}
    lines = [
        f"{rows:,} events. A plan of two weeks:",
        "",
        "| from | seconds | memory | read |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one.seconds:.1f} | {one.memory:.0f} MB | {one.read:.0f} MB |"
            for name, one in costs.items()
        ),
        "",
    ]
    return "\n".join(lines) + "\n" + _sums()


def _sums() -> str:
    needed = required(DEMAND, Target()).agents
    one = _best(lambda: solve(DEMAND, MANY, 60.0))
    every = _best(lambda: required(DEMAND, Target()))
    return (
        f"One solution for {MANY:,} agents: **{one:.1f} ms** (bar: 10 ms)."
        f" `required`, which finds {needed:,}: {every:.0f} ms."
    )


def _plan(archive: Path, weeks: int) -> Cost:
    since = UNTIL - timedelta(weeks=weeks)
    asked = ("--archive", archive, "--since", since, "--until", UNTIL, "--format", "json")
    return median([cost(BIN / "analytics", "capacity", *asked) for _ in range(ROUNDS)])


def _best(call: Callable[[], object]) -> float:
    """Return milliseconds, of a call that remembers nothing."""
    times = []
    for _ in range(TRIES):
        solve.cache_clear()
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)
