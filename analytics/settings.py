"""What an answer depends on besides the archive and the window: targets, limits, breakdown.

Values only: where they come from (options, a file) is the command's business.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

BREAKDOWNS = (
    "agent",
    "department",
    "channel",
    "bot",
    "tag",
    "language",
    "country",
    "hour",
    "weekday",
)

SERVICE_BASES = ("answered", "offered", "no-abandon")

Hours = tuple[str, datetime, datetime]
"""A department's id (empty: all others), and from when to when it is open, UTC."""


@dataclass(frozen=True)
class Settings:
    """The columns of `params` that are not about the window."""

    breakdown: str | None = None
    """What each row is broken down by: one of `BREAKDOWNS`."""
    answer_target_s: float = 60.0
    """A first reply within it counts as in time."""
    reply_target_s: float = 120.0
    """A later reply within it counts as in time."""
    short_wait_s: float = 5.0
    """Who leaves sooner has not really waited."""
    service_base: str = "answered"
    """What the service level is a share of: one of `SERVICE_BASES`."""
    idle_limit_s: float = 1800.0
    """A chat without an answer, and without a word for so long, counts as abandoned."""
    pause_limit_s: float = 600.0
    """A longer silence counts as so much of active time."""
    chat_limit: int | None = None
    """Chats that an agent may have at once, where he has no limit of his own; null: unknown."""
    interval_minutes: int = 30
    """The intervals of staffing: 15, 30 or 60."""
    coverage_threshold: float = 0.95
    """What was recorded less than this is marked."""

    @property
    def is_whole(self) -> bool:
        """Whether no trait of chats, of which each seen has its rows, breaks answers down."""
        return self.breakdown in (None, "agent", "hour", "weekday")

    def params(self) -> dict[str, Any]:
        """Return the columns' names and values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


SQL_TYPES = {"float": "double", "int": "bigint", "int | None": "bigint"}


def sql_types() -> dict[str, str]:
    """Return the columns' names and SQL types."""
    return {one.name: SQL_TYPES.get(str(one.type), "varchar") for one in fields(Settings)}
