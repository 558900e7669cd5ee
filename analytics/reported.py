"""What a report says, however it is shown: its rows, how they are picked, what figures are called.

Pure. The screen (`sheet`, `sections`) and the document (`document.facts`) stand on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from analytics.figures import duration, number

FEW = 5
"""What comes from fewer chats is marked."""

TILEDESK: dict[str, tuple[str, Callable[[Any], str]]] = {
    "requests_count": ("chats", number),
    "waiting_time": ("waiting, mean", duration),
    "duration": ("duration, mean", duration),
    "satisfaction": ("satisfaction, mean", number),
    "messages": ("messages", number),
}
QUALITY = {
    "unparsed_count": "not understood",
    "untrusted_count": "injected by others",
    "mistyped_count": "of an unexpected type",
    "truncated_count": "snapshots cut by the server",
    "refused_count": "topics refused",
    "unknown_sender_count": "messages of unknown authors",
    "closes_untold_count": "closes without details",
    "clock_regress_count": "that came out of order",
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Reported:
    """A report, as its JSON has it."""

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

    def place_of_agent(self, metric: str, agent: str) -> int | None:
        """Return where an agent's row of the whole window stands: dates come first."""
        found = [at for at, row in enumerate(self.told[metric]) if row["agent_id"] == agent]
        return found[-1] if found else None

    def local(self, instant: str) -> datetime:
        """Return an instant as clocks show it there."""
        place = ZoneInfo(self.report["tz"])
        return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(place)
