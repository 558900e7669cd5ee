"""Small archives written by hand: rows of the contract from the few words that a case needs."""

from __future__ import annotations

import json
import os
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

PROJECT = "p1"
LEAD = "visitor"
Case = dict[str, Any]


def rows_of(case: Case) -> list[dict[str, Any]]:
    """Return the rows of a case; what it leaves out is as plain as can be."""
    rows = [_request(case, **row) for row in case.get("requests", [])]
    rows += [_message(**row) for row in case.get("messages", [])]
    rows += [_agent(**row) for row in case.get("agents", [])]
    rows += [_own("gap", **row) for row in case.get("gaps", [])]
    rows += [_own("control", **row) for row in case.get("controls", [])]
    rows += case.get("others", [])
    rows += [
        _own("control", control="covered", since=since, until=until)
        for since, until in case.get("covered", [])
    ]
    for seq, row in enumerate(rows):
        row.setdefault("seq", seq)
        row.setdefault("element", 0)
        row.setdefault("recorder", "main")
        row.setdefault("is_snapshot", False)
    return rows


def _request(case: Case, chat: str, at: datetime, **facts: Any) -> dict[str, Any]:
    first = min(row["at"] for row in case["requests"] if row["chat"] == chat)
    return {
        "kind": "request",
        "source": "realtime",
        "connection": 0,
        "entity_id": f"_{chat}",
        "request_id": chat,
        "received_at": at,
        "updated_at": at,
        "created_at": first,
        "status": 200,
        "preflight": False,
        "agents": [],
        "bots": [],
        "channel": "chat21",
        "lead_id": LEAD,
    } | facts


def _message(chat: str, at: datetime, by: str, **facts: Any) -> dict[str, Any]:
    return {
        "kind": "message",
        "source": "realtime",
        "connection": 0,
        "entity_id": f"{chat}/{by}/{at:%d%H%M%S%f}",
        "request_id": chat,
        "received_at": at,
        "created_at": at,
        "sender": by,
    } | facts


def _agent(agent: str, at: datetime, **facts: Any) -> dict[str, Any]:
    return {
        "kind": "agent",
        "source": "realtime",
        "connection": 0,
        "entity_id": f"_{agent}",
        "agent_id": agent,
        "received_at": at,
        "updated_at": at,
        "agent_state": "active",
        "available": True,
    } | facts


def _own(kind: str, since: datetime | None = None, **facts: Any) -> dict[str, Any]:
    at = facts.pop("at", None) or facts.get("until") or since
    told = {"since": since, **facts}
    seq = {"seq": told.pop("seq")} if "seq" in told else {}
    recorder = told.pop("recorder", "main")
    return {
        "kind": kind,
        "source": "recorder",
        "received_at": at,
        "recorder": recorder,
        "topic": told.get("topic"),
        "payload": json.dumps({key: _iso(value) for key, value in told.items()}),
    } | seq


def _iso(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z" if isinstance(value, datetime) else value


def arrow(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as an archive has them."""
    schema = contract.schema()
    columns = [
        pa.array([row.get(field.name) for row in rows], type=field.type)
        if not pa.types.is_timestamp(field.type)
        else pa.array([_utc(row.get(field.name)) for row in rows], type=field.type)
        for field in schema
    ]
    return partitioned(pa.Table.from_arrays(columns, schema=schema))


def partitioned(table: pa.Table) -> pa.Table:
    """Return rows with the columns that come from the folders' names."""
    projects = pa.array([PROJECT] * table.num_rows, type=pa.string())
    days = table.column("received_at").cast(pa.date32())
    return table.append_column("project_id", projects).append_column("date", days)


def _utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=UTC)


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
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve Sail, which speaks Spark's protocol, in this process; return its URL."""
    os.environ["SAIL_EXECUTION__CHECKPOINT__PATH"] = str(tmp_path_factory.mktemp("checkpoints"))
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


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
