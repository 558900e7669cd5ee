"""Archives for the reader: a recorded desk, a recorded real server, and how to ask the command."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from analytics.cli import cli
from archiver import contract
from archiver.columns import arrow
from archiver.extract import read, spelled
from archiver.records import TEXT, Record
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR

CAPTURES = Path(__file__).parents[1] / "data" / "captures"


@dataclass(frozen=True)
class Desk:
    """A simulated desk's archive, Monday 2 to Wednesday 4 March 2026, and what really happened."""

    root: Path
    project_id: str
    truth: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def desk(once: Callable[..., Path]) -> Desk:
    """Record a desk for three days without a gap."""
    settings = DeskSettings(chats_per_day=60)
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)

    def record(folder: Path) -> None:
        span = Span(start, start + 3 * DAY)
        record_history(settings, Plan(folder / "archive", span, truth=folder / "truth.jsonl"))

    folder = once("three-days", record)
    told: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "truth.jsonl").read_text("utf-8").splitlines():
        fact = json.loads(line)
        told.setdefault(fact["kind"], []).append(fact)
    return Desk(folder / "archive", settings.project_id, told)


@pytest.fixture(scope="session")
def weeks(once: Callable[..., Path]) -> Path:
    """Record a desk from Sunday 1 to Monday 16 March 2026; Monday 9 lacks four hours."""
    start = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    hole = start + 8 * DAY + 8 * HOUR
    span, gap = Span(start, start + 16 * DAY), Span(hole, hole + 4 * HOUR)
    settings = DeskSettings(chats_per_day=30)
    return once("weeks", lambda root: record_history(settings, Plan(root, span, (gap,))))


@pytest.fixture(scope="session")
def forty_chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of the frames that a real server sent, and of nothing else."""
    root = tmp_path_factory.mktemp("forty")
    (root / contract.MARKER).write_text(json.dumps({"format": contract.VERSION}))
    found: list[dict[str, Any]] = []
    with gzip.open(CAPTURES / "forty_chats" / "frames.jsonl.gz", "rt", encoding="utf-8") as file:
        for seq, line in enumerate(map(json.loads, file)):
            if (line["dir"], line["op"]) != ("in", "text"):
                continue
            at, data = round(line["t"] * 1e6), line["data"].encode()
            _, rows = read(Record(at, seq, line["conn"], TEXT, data), "main")
            found += [spelled(row) | {"source": "realtime"} for row in rows]
    assert len(found) > 700
    (project,) = {row["project_id"] for row in found}
    folder = contract.partition(root, project, datetime(2026, 11, 23, tzinfo=UTC).date())
    folder.mkdir(parents=True)
    pq.write_table(arrow(found), folder / contract.part_name("main", 1))
    return root


@pytest.fixture
def ask() -> Callable[..., Result]:
    """Run `analytics`; a bug keeps its traceback."""

    def call(*arguments: object, **environment: str) -> Result:
        done = CliRunner(env=environment).invoke(cli, [str(one) for one in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call
