"""A report while it is drawn: its rows, how they are picked, and how a table of them looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from analytics.figures import duration
from analytics.render import grid

FEW = 5

Style = Callable[[str, str], str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Sheet:
    """A report, and what paints it: `style(text, name)` for `title` and `warning`."""

    report: Row
    style: Style

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

    def local(self, instant: str) -> datetime:
        """Return an instant as clocks show it there."""
        place = ZoneInfo(self.report["tz"])
        return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(place)

    def total(self, metric: str) -> Row:
        """Return a metric's row of the whole window: the only one, or the one without a date."""
        return self.told[metric][-1]

    def of_day(self, metric: str, day: str) -> Row:
        """Return a metric's row of a day."""
        return next(row for row in self.told[metric] if row["date"] == day)

    def of_agent(self, metric: str, agent: str) -> Row:
        """Return an agent's row of the whole window: dates come first, the window last."""
        found = [row for row in self.told[metric] if row["agent_id"] == agent]
        return found[-1] if found else {}

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Return a table with a painted title line."""
        first, _, rest = grid(head, rows).partition("\n")
        return f"{self.style(first, 'title')}\n{rest}"


def spent(row: Row, count: str, name: str) -> str:
    """Return a time of a row, marked if it comes from few chats."""
    value = row.get(name)
    few = value is not None and row[count] < FEW
    return f"{'~' if few else ''}{duration(value)}"
