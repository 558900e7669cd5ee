"""Engines: DuckDB, Sail and Apache Spark, asked the same in the same words.

One simulated week of a busy desk, tiled (`tests/bench/tiled.py`), is a project; with more of them,
the others are hard links of its files under other ids, asked one after the other, as the commands
do. The question is `analytics report --format json` of three metrics (`chats_offered`,
`first_response_human`, `agent_load`), a whole process for each project, for the two servers with
`--engine spark`: about a day, and, of one project, about all days there are. Of more projects that
is so many times the same, and told (≈) without being asked. What they say is held to be the same.

Told are seconds, those of a processor, and MB: the most that each process took until then, the
command's and the server's, added up. Sail, and Apache Spark's driver and two executors, may take
the same for the data; start-up is until a server answers `select 1`, and each is begun anew for a
number of projects. A question has a limit over all its projects; whatever is not answered by then
ends what that server is asked. `WEEKS`, `PROJECTS` and `LIMIT_S` say how much and how long;
`ENGINES_ARCHIVE` names an archive of one project that is there already.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import servers
import tiled
from apache import same
from bench_reports import AGENTS, BIN, CHATS, DAY, UNTIL, told
from bench_scale import multiply

from archiver import contract, listing

SIZES = tuple(map(int, os.environ.get("PROJECTS", "1,4").split(",")))
WEEKS = int(os.environ.get("WEEKS", "2"))
LIMIT_S = float(os.environ.get("LIMIT_S", "120"))
METRICS = "chats_offered,first_response_human,agent_load"
DRIVER_MB, EXECUTOR_MB = 3072, 2048
ALL_MB = DRIVER_MB + 2 * EXECUTOR_MB
SAIL = {
    "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
    "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(ALL_MB * 2**20),
}
Start = Callable[[Path], AbstractContextManager[servers.Server | None]]
Days = tuple[object, ...]


@dataclass
class Answer:
    """What a question came to, about how many projects, and why about no more."""

    seconds: float = 0
    processor: float = 0
    memory: float = 0
    projects: int = 0
    said: Any = None
    trouble: str = ""


@dataclass
class Row:
    """What an engine took for an archive of so many projects."""

    engine: str
    events: int
    projects: int
    started_s: float | None
    answers: list[Answer]


def starts() -> dict[str, Start]:
    """Return the engines that are here."""
    found: dict[str, Start] = {
        "DuckDB": lambda _: nullcontext(),
        "Sail": lambda folder: servers.sail(folder, **SAIL),
    }
    if servers.apache_home():
        found["Apache Spark"] = partial(servers.apache, driver=DRIVER_MB, executor=EXECUTOR_MB)
    return found


def questions(archive: Path, count: int) -> list[Days]:
    """Return the days to ask about: one, and of one project all, but the last, which is cut."""
    first = min(path.name for path in archive.glob(contract.partitions_glob()))
    every = ("--since", first.removeprefix("date="), "--until", UNTIL)
    return [("--date", DAY), every][: 2 if count == 1 else 1]


def run(engine: str, start: Start, archive: Path) -> Row:
    """Ask an engine everything about an archive."""
    names = sorted(path.name.removeprefix("project_id=") for path in archive.glob("project_id=*"))
    answers: list[Answer] = []
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as server:
        for days in questions(archive, len(names)):
            answers.append(_ask(archive, names, days, server))
            print(f"  {engine}, {len(names)} projects: {_cell(answers[-1])}", file=sys.stderr)
            if answers[-1].trouble:
                break
        started = None if server is None else server.started_s
    events = sum(pq.read_metadata(path).num_rows for path in listing.parts(archive))
    return Row(engine, events, len(names), started, answers)


def _ask(archive: Path, names: list[str], days: Days, server: servers.Server | None) -> Answer:
    """Ask about each project, as long as there is time."""
    answer = Answer()
    asked = (*days, "--metrics", METRICS, "--no-compare", "--format", "json")
    asked += () if server is None else ("--engine", "spark", "--spark-remote", server.url)
    began, used = time.perf_counter(), _processor(server)
    for name in names:
        left = LIMIT_S - (time.perf_counter() - began)
        command = (BIN / "analytics", "report", "--archive", archive, "--project", name, *asked)
        try:
            cost, text = told(*command, limit=max(left, 1))
        except subprocess.TimeoutExpired:
            answer.trouble = f"not in {LIMIT_S:.0f} s"
            break
        except AssertionError as error:  # it said why
            answer.trouble = str(error).strip().rpartition("\n")[2][:200]
            break
        answer.memory = max(answer.memory, cost.memory)
        answer.projects += 1
        answer.said = json.loads(text)["metrics"]
    answer.seconds = time.perf_counter() - began
    answer.processor = _processor(server) - used
    answer.memory += server.memory() if server else 0
    return answer


def _processor(server: servers.Server | None) -> float:
    """Return the seconds of a processor that commands, and the server, have had so far."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + (server.processor() if server else 0)


def alike(one: Any, other: Any) -> bool:
    """Compare answers; Sail rounds percentiles in the fifth digit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return same(one, other, 1e-4)


def hold_alike(rows: list[Row]) -> None:
    """Hold all answers to a question to the first one."""
    expected = [answer.said for answer in rows[0].answers]
    for row in rows:
        for here, there in zip(row.answers, expected, strict=False):
            assert None in (here.said, there) or alike(here.said, there), row.engine


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = []
        for count in SIZES:
            archive = root / str(count)
            multiply(_project(root), archive, count)
            rows += [run(engine, start, archive) for engine, start in starts().items()]
        hold_alike(rows)
        return "\n".join(_lines(rows))


def _project(root: Path) -> Path:
    """Return an archive of one project."""
    if there := os.environ.get("ENGINES_ARCHIVE"):
        return Path(there)
    made = root / "one"
    if not made.exists():
        tiled.tile(tiled.week(root / "week", UNTIL, CHATS, AGENTS), made, WEEKS)
    return made


def _lines(rows: list[Row]) -> Iterator[str]:
    yield "| events | projects | engine | start-up | a day | all days |"
    yield "|---:|---:|---|---:|---:|---:|"
    one = {row.engine: row for row in rows if row.projects == 1}
    for row in rows:
        started = "–" if row.started_s is None else f"{row.started_s:.0f} s"
        cells = [_cell(answer) for answer in row.answers]
        if len(cells) == 1:
            cells.append(_multiplied(one.get(row.engine), row.projects))
        told_first = (f"{row.events:,}", str(row.projects), row.engine, started)
        yield f"| {' | '.join((*told_first, *cells))} |"
    yield ""
    yield f"Limit: {LIMIT_S:.0f} s a question. Spark's heaps, and Sail's pool: {ALL_MB:,} MB."
    yield f"Load of the machine meanwhile: {os.getloadavg()[2]:.1f}."
    if "Apache Spark" not in starts():
        yield "Apache Spark is not here; `make spark` fetches it."


def _cell(answer: Answer) -> str:
    spent = f"{answer.processor:,.0f} s of a processor, {answer.memory:,.0f} MB"
    if not answer.trouble:
        return f"{answer.seconds:,.1f} s; {spent}"
    part = f", {answer.projects} projects were" if answer.projects else ""
    return f"{answer.trouble}{part}; {spent}"


def _multiplied(one: Row | None, count: int) -> str:
    if count == 1 or one is None or len(one.answers) == 1 or one.answers[-1].trouble:
        return "–"
    return f"≈ {one.answers[-1].seconds * count:,.0f} s"
