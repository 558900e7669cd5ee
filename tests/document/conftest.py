"""A desk whose people have names of every kind, recorded with a hole, and the pages made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from analytics.cli import cli
from analytics.config import KEYS, Config
from analytics.request import Request
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR

NAMES = (
    "<script>alert('x')</script>",
    "דנה כהן",
    "محمد علي",
    'Zoë 🌻 O\'Neil & "Söhne"',
    "{{ 7 * 7 }} ${x} `y`",
    "A very long name that nobody would believe, of somebody with many forenames",
)
MONDAY = "2026-03-09"
TZ = "Europe/Rome"
TWO_DAYS = ("--since", "2026-03-01", "--until", "2026-03-03")


@dataclass(frozen=True)
class Day:
    """A Monday of which an hour is missing: its page, and its report, with all metrics."""

    archive: Path
    page: Path
    html: str
    report: dict[str, Any]
    names: tuple[str, ...] = NAMES


@pytest.fixture(scope="session")
def ask() -> Callable[..., Result]:
    """Run `analytics`; a bug keeps its traceback."""

    def call(*arguments: object) -> Result:
        done = CliRunner().invoke(cli, [str(one) for one in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


@pytest.fixture(scope="session")
def archive(once: Callable[..., Path]) -> Path:
    """Record a desk from Sunday 1 to Tuesday 10 March 2026; Monday 9 lacks an hour at noon."""
    return once("desk-of-a-document", record)


def record(root: Path) -> None:
    """Record the desk, and give its people names of ours."""
    start = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    hole = start + 8 * DAY + 11 * HOUR
    plan = Plan(root, Span(start, start + 10 * DAY), gaps=(Span(hole, hole + HOUR),))
    record_history(DeskSettings(chats_per_day=60, agents=len(NAMES)), plan)
    called: dict[str, str] = {}
    for part in sorted(root.glob("project_id=*/*/*.parquet")):
        pq.write_table(renamed(pq.ParquetFile(part).read(), called), part)
    assert set(called.values()) == set(NAMES)


def renamed(table: pa.Table, called: dict[str, str]) -> pa.Table:
    """Give each person a name of ours."""
    at = table.schema.get_field_index("agent_names")
    people = table.column(at).to_pylist()
    for one in (one for named in people for one in named or ()):
        called.setdefault(one["id"], NAMES[len(called) % len(NAMES)])
        one["name"] = called[one["id"]]
    return table.set_column(at, table.schema.field(at), pa.array(people, table.schema.types[at]))


@pytest.fixture
def request_of() -> Callable[..., Request]:
    """Ask for days of an archive as the command does."""

    def call(archive: Path, **asked: Any) -> Request:
        told = dict.fromkeys(KEYS) | asked.pop("told", {})
        near = {"look_back": timedelta(days=2), "look_ahead": timedelta(days=7)}
        whole = dict.fromkeys(("project", "since", "until", "day", "as_of"))
        return Request(archive=archive, config=Config(), told=told, **(whole | near | asked))

    return call


@pytest.fixture(scope="session")
def day(archive: Path, ask: Callable[..., Result], once: Callable[..., Path]) -> Day:
    """Draw the Monday, and report on it."""

    def draw(folder: Path) -> None:
        asked = ("report", "--archive", archive, "--date", MONDAY, "--tz", TZ, "--all")
        drawn = ask(*asked, "--format", "html", "--output", folder / "monday.html")
        assert (drawn.exit_code, drawn.output) == (0, "")
        (folder / "monday.json").write_text(ask(*asked, "--format", "json").stdout, "utf-8")

    folder = once("monday", draw)
    report = json.loads((folder / "monday.json").read_text("utf-8"))
    assert report["coverage"]["ratio"] < 1
    page = folder / "monday.html"
    return Day(archive, page, page.read_text("utf-8"), report)


@pytest.fixture(scope="session")
def written(
    archive: Path, ask: Callable[..., Result], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Write the pages of two days that are long over."""
    folder = tmp_path_factory.mktemp("book") / "pages"
    done = ask("report", "--archive", archive, *TWO_DAYS, "--every-day", "--output-dir", folder)
    assert (done.exit_code, done.stderr) == (0, f"{folder}: 2 pages written, 0 kept\n")
    return folder
