"""Picks figures of a report, each with its place in the report's JSON: so they can be compared."""

from __future__ import annotations

from typing import Any

from analytics import queries
from analytics.document.blocks import Definition, Figure
from analytics.figures import duration, is_short, number, percent
from analytics.reported import FEW, Reported

FEW_NOTE = f"fewer than {FEW} chats"


class Facts(Reported):
    """A report's figures."""

    def figure(self, metric: str, column: str, at: int = -1, few: str | None = None) -> Figure:
        """Return a figure; the row is the whole window's unless told. `few` is its count."""
        rows = self.told[metric]
        place = at % len(rows)
        value = rows[place][column]
        note = ""
        if few is not None and value is not None and rows[place][few] < FEW:
            note = FEW_NOTE
        path = f"metrics/{metric}/{place}/{column}"
        return Figure(shown(column, value), value, path, note)

    def is_short(self, ratio: float | None) -> bool:
        """Tell whether too little was recorded to rely on it."""
        return is_short(ratio, self.threshold)


def shown(column: str, value: Any) -> str:
    """Return a value as people read it, by its column's suffix."""
    if column.endswith("_ratio"):
        return percent(value)
    return duration(value) if column.endswith("_s") else number(value)


def definitions(*names: str) -> list[Definition]:
    """Return what metrics mean, from the heads of their SQL."""
    return [_definition(queries.load("metrics", name)) for name in names]


def _definition(query: queries.Query) -> Definition:
    lines = [
        ("one row", query.grain.removeprefix("one row ")),
        ("counted by", query.anchor or ""),
        ("units", query.units or ""),
        ("as in", "" if query.follows == "none" else query.follows or ""),
        ("know that", query.caveat or ""),
        ("edges", query.edge or ""),
    ]
    return Definition(query.name, query.doc, [line for line in lines if line[1]])
