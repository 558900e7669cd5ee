"""Small archives written by hand: rows of the contract from the few words that a case needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from archiver import contract

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
