"""Picks figures of a report, each with its place in the report's JSON: so they can be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from analytics import queries
from analytics.document.blocks import Definition, Figure
from analytics.figures import duration, is_short, number, percent

FEW = 5
FEW_NOTE = f"fewer than {FEW} chats"

Row = dict[str, Any]
Show = Callable[[Any], str]


@dataclass(frozen=True)
class Facts:
    """A report's figures."""

    report: Row

    @property
    def told(self) -> dict[str, list[Row]]:
        """The metrics' rows."""
        told: dict[str, list[Row]] = self.report["metrics"]
        return told

    @property
    def threshold(self) -> float:
        """What was recorded less than this is marked."""
        return float(self.report["settings"]["coverage_threshold"])

    @property
    def target(self) -> str:
        """Within which a first reply is in time."""
        return duration(self.report["settings"]["answer_target_s"])

    def total(self, metric: str) -> Row:
        """Return a metric's row of the whole window: the only one, or the last."""
        return self.told[metric][-1]

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

    def of_agent(self, metric: str, agent: str) -> int | None:
        """Return where an agent's row of the whole window stands: dates come first."""
        found = [at for at, row in enumerate(self.told[metric]) if row["agent_id"] == agent]
        return found[-1] if found else None

    def local(self, instant: str) -> datetime:
        """Return an instant as clocks show it there."""
        place = ZoneInfo(self.report["tz"])
        return datetime.fromisoformat(instant).astimezone(UTC).astimezone(place)

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
