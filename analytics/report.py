"""A report as plain data: what is printed as JSON, drawn as a table, or listed as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from analytics import metrics, queries
from analytics.archive import Archive
from analytics.window import Window

FORMAT = 1


def build(archive: Archive, names: Iterable[str] = queries.REPORT) -> dict[str, Any]:
    """Return the report of the archive's window."""
    window = archive.window
    settings = archive.settings.params()
    del settings["breakdown"]
    return {
        "format": FORMAT,
        "project_id": archive.project_id,
        "since": window.since.isoformat(),
        "until": window.until.isoformat(),
        "tz": window.tz,
        **({"as_of": plain(window.now)} if window.is_past else {}),
        "coverage": coverage(archive),
        "metrics": {name: records(metrics.run(archive, name).records()) for name in names},
        "settings": settings,
    }


def coverage(archive: Archive) -> dict[str, Any]:
    """Return how much of the window, up to now, the archive vouches for, and what is missing."""
    holes = archive.query(
        "select since, until, why from uncovered order by since asc nulls last"
    ).rows
    elapsed = elapsed_of(archive.window)
    missing = sum((until - since for since, until, _ in holes), timedelta())
    gaps = [{"since": since, "until": until, "why": why} for since, until, why in holes]
    return {"ratio": 1 - missing / elapsed, "gaps": records(gaps)}


def elapsed_of(window: Window) -> timedelta:
    """Return how much of the window is over."""
    return min(window.end, window.now) - window.start


def records(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows in which every value is one that JSON has."""
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: instants in UTC, dates, both ISO-8601."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value
