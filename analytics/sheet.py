"""A report while it is drawn: its rows, how they are picked, and how a table of them looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.figures import duration
from analytics.render import grid
from analytics.reported import FEW, Reported, Row

Style = Callable[[str, str], str]


@dataclass(frozen=True)
class Sheet(Reported):
    """A report, and what paints it: `style(text, name)` for `title` and `warning`."""

    style: Style

    def of_day(self, metric: str, day: str) -> Row:
        """Return a metric's row of a day."""
        return next(row for row in self.told[metric] if row["date"] == day)

    def of_agent(self, metric: str, agent: str) -> Row:
        """Return an agent's row of the whole window; none if there is none."""
        place = self.place_of_agent(metric, agent)
        return {} if place is None else self.told[metric][place]

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Return a table with a painted title line."""
        first, _, rest = grid(head, rows).partition("\n")
        return f"{self.style(first, 'title')}\n{rest}"


def spent(row: Row, count: str, name: str) -> str:
    """Return a time of a row, marked if it comes from few chats."""
    value = row.get(name)
    few = value is not None and row[count] < FEW
    return f"{'~' if few else ''}{duration(value)}"
