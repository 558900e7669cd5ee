"""Asks Apache Spark every metric and check about a simulated month, and DuckDB too: `make spark`.

Then both build facts of it. Ends with status 1 if one row differs. Spark runs with two executors,
in processes of their own.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import servers

sys.path.insert(0, str(Path(__file__).parents[1] / "facts"))  # what is kept is held together there

from growing import is_same, kept_of

from analytics import metrics, queries
from analytics.archive import Archive, connect
from analytics.duck import Duck
from analytics.engine import Engine, Table
from analytics.facts.build import build
from analytics.facts.store import Store, store_of
from analytics.folder import Folder
from analytics.settings import Settings
from analytics.spark import Spark
from analytics.window import choose

UNTIL = date(2026, 11, 22)
WEEKS = 4
WINDOW = choose(UNTIL - timedelta(weeks=WEEKS), UNTIL, "Europe/Rome", datetime(2026, 11, 24))
SETTINGS = Settings(chat_limit=3)


def record(folder: Path) -> None:
    """Record a month of the default desk."""
    command = [servers.BIN / "archiver", "simulate", "history", "--archive", folder]
    command += ["--days", str(WEEKS * 7), "--until", UNTIL.isoformat()]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def same(one: object, other: object, by: float = 1e-9) -> bool:
    """Compare values; sums of doubles differ in the last digits by their order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=by, abs_tol=1e-9)
    return one == other


def differs(one: Table, other: Table) -> str:
    """Say how two answers differ, or nothing."""
    if (one.columns, len(one.rows)) != (other.columns, len(other.rows)):
        return f"{len(one.rows)} rows of {one.columns}, {len(other.rows)} of {other.columns}"
    for row, there in zip(one.rows, other.rows, strict=True):
        for column, here, expected in zip(one.columns, row, there, strict=True):
            if not same(here, expected):
                return f"{column}: {here!r}, on DuckDB {expected!r}"
    return ""


def timed(archive: Archive, folder: str, name: str) -> tuple[Table, float]:
    """Return an answer, and how long it took."""
    began = time.perf_counter()
    ask = metrics.run if folder == "metrics" else metrics.check
    return ask(archive, name), time.perf_counter() - began


def compare(spark: Archive, duck: Archive) -> int:
    """Ask both everything, say what took how long, and return how many answers differ."""
    wrong, took = 0, [0.0, 0.0]
    for folder in ("metrics", "checks"):
        for name in queries.FOLDERS[folder]:
            (one, here), (other, there) = timed(spark, folder, name), timed(duck, folder, name)
            took = [took[0] + here, took[1] + there]
            difference = differs(one, other)
            wrong += bool(difference)
            print(f"{name:28} {here:7.2f} s {there:7.2f} s  {difference or 'equal'}", flush=True)
    print(f"{'all':28} {took[0]:7.2f} s {took[1]:7.2f} s  {wrong} differ")
    return wrong


def compare_facts(folder: Folder, root: Path, start: Callable[[], Engine]) -> int:
    """Build facts by both, say what took how long, and return how many files differ."""
    (one, here), (other, there) = built(folder, root / "a", start), built(folder, root / "b", Duck)
    told, expected = kept_of(one, WINDOW.end), kept_of(other, WINDOW.end)
    names = told.keys() | expected.keys()
    wrong = [n for n in names if not is_same([*told.get(n, ())], [*expected.get(n, ())])]
    difference = ", ".join(sorted(wrong)) or "equal"
    print(f"{'facts':28} {here:7.2f} s {there:7.2f} s  {difference}", flush=True)
    return len(wrong)


def built(folder: Folder, root: Path, start: Callable[[], Engine]) -> tuple[Store, float]:
    """Build facts; return where they are kept, and how long it took."""
    project_id = folder.project(None)
    store = store_of(root, project_id)
    return store, build(folder, project_id, store, SETTINGS, start=start).seconds


def main() -> None:
    """Record a month, ask both."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        record(root / "archive")
        folder = Folder(root / "archive")
        with servers.apache(root) as server:
            print(f"Spark answers after {server.started_s:.1f} s; metric, Spark, DuckDB:")
            opened = partial(connect, folder, folder.project(None), WINDOW, settings=SETTINGS)
            with opened(start=partial(Spark, server.url)) as spark, opened(start=Duck) as duck:
                wrong = compare(spark, duck)
            wrong += compare_facts(folder, root, partial(Spark, server.url))
            print(f"Spark's processes took {server.memory():.0f} MB at the most")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
