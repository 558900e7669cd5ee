"""What was said of some days at one instant and is said otherwise at another.

Late closes, ratings and repairs change figures that were told before. Pure: two answers of a metric
in, the figures that differ out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from analytics.engine import Table

KEYS = (
    "date",
    "weekday",
    "hour",
    "minute",
    "since",
    "agent_id",
    "channel",
    "close_reason",
    "concurrency",
    "figure",
    "sender_role",
    "wait_s",
)
"""The columns that name a row; of the others, those that are no texts are figures."""
COLUMNS = ("metric", "row", "column", "before", "after")
TEXT = "VARCHAR"

Row = dict[str, Any]
Difference = tuple[str, str, str, Any, Any]


def differences(metric: str, before: Table, after: Table) -> Iterator[Difference]:
    """Yield the figures that are others now; null if unknown, or if there was no such row."""
    figures = [
        name
        for name, kind in zip(after.columns, after.types, strict=True)
        if name not in KEYS and kind != TEXT
    ]
    old, new = _keyed(before), _keyed(after)
    for key in [*new, *(key for key in old if key not in new)]:
        was, is_now = old.get(key, {}), new.get(key, {})
        named = _name(is_now or was)
        for name in figures:
            if not _same(was.get(name), is_now.get(name)):
                yield metric, named, name, was.get(name), is_now.get(name)


def _keyed(table: Table) -> dict[tuple[Any, ...], Row]:
    return {tuple(row.get(name) for name in KEYS): row for row in table.records()}


def _name(row: Row) -> str:
    """Return how people call a row: 2026-03-02, Anna Rossi (677cdf…)."""
    named = []
    for name in KEYS:
        if name == "date" and name in row:
            named.append(str(row[name] or "all days"))
        elif name == "agent_id" and name in row:
            named.append(f"{row['agent_name']} ({row[name]})")
        elif name in row:
            named.append(f"{name} {row[name]}")
    return ", ".join(named)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two figures are equal; float sums differ by their order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)
