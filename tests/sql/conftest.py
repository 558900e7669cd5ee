"""A recorded desk and cases written by hand, opened for questions on one engine or another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics import archive
from analytics.duck import Duck, columns
from analytics.settings import Settings
from analytics.window import choose
from archiver import contract
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR

sys.path.insert(0, str(Path(__file__).parents[1]))  # what is shared with other tests

from casebook import PROJECT, Case, arrow, partitioned, rows_of


@pytest.fixture(scope="session")
def recorded(once: Callable[..., Path]) -> Path:
    """Return the archive of a simulated desk: 2 to 4 March 2026, with a gap."""
    settings = DeskSettings(chats_per_day=40)
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    noon = start + 36 * HOUR
    span, gap = Span(start, start + 3 * DAY), Span(noon, noon + HOUR // 2)
    return once("desk-to-query", lambda root: record_history(settings, Plan(root, span, (gap,))))


@pytest.fixture(scope="session")
def desk(recorded: Path) -> pa.Table:
    """Return what a recorder keeps of it."""
    rows = pa.concat_tables(
        [pq.ParquetFile(part).read() for part in sorted(recorded.glob(contract.parts_glob()))]
    )
    assert rows.num_rows > 1000
    return partitioned(rows)


@pytest.fixture(scope="session")
def database() -> Iterator[Any]:
    """Open one database for all cases: to open one takes longer than to answer."""
    engine = Duck()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def open_rows(database: Any) -> Callable[..., archive.Archive]:
    """Open rows for questions about the local days [since, until)."""

    def call(
        table: pa.Table,
        since: date,
        until: date,
        tz: str = "UTC",
        now: datetime | None = None,
        **settings: Any,
    ) -> archive.Archive:
        late = datetime.combine(until, datetime.min.time()) + timedelta(days=30)
        window = choose(since, until, tz, now or late)
        hours = settings.pop("opening_hours", ())
        is_narrow = settings.pop("is_narrow", False)
        opened = archive.Archive(database, PROJECT, window, Settings(**settings))
        opened.tell(hours, is_narrow=is_narrow)
        database.connection.register("given", table)
        database.keep("events", f"select {columns()} from given")
        return opened

    return call


@pytest.fixture(scope="session")
def open_case(open_rows: Callable[..., archive.Archive]) -> Callable[[Case], archive.Archive]:
    """Open the rows of a case."""

    def call(case: Case) -> archive.Archive:
        since = case.get("since", date(2026, 3, 2))
        until = case.get("until", since + timedelta(days=1))
        table = arrow(rows_of(case))
        settings = dict(case.get("settings", {}))
        hours = [tuple(one) for one in settings.pop("opening_hours", [])]
        tz, now = case.get("tz", "UTC"), case.get("now")
        return open_rows(table, since, until, tz, now, opening_hours=hours, **settings)

    return call
