"""What a simulated desk is like: its size, its people, its habits. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.errors import ArchiverError

PROJECT_ID = "5f6c1d2e3a4b5c6d7e8f9a0b"
_HEX24 = re.compile(r"[0-9a-f]{24}")
_SHARES = (
    "bot_share",
    "preflight_share",
    "abandoned_widget_share",
    "draft_share",
    "proactive_share",
    "reopen_share",
    "rating_share",
    "transfer_share",
    "leave_share",
    "helper_share",
    "pending_share",
    "command_share",
    "hasty_share",
    "return_share",
    "late_reopen_share",
)


class SettingsError(ArchiverError):
    """A simulation was asked for that cannot be."""


@dataclass(frozen=True)
class DeskSettings:
    """One desk. The same settings and the same start give the same history, byte for byte."""

    seed: int = 1
    project_id: str = PROJECT_ID
    time_zone: str = "Europe/Rome"
    chats_per_day: float = 250.0
    agents: int = 8
    departments: int = 3
    bots: bool = True
    project_chat_limit: int | None = None
    """The project's own limit; nobody is shown as busy without one."""
    bot_share: float = 0.8
    """Of the chats of a department with a bot in front, those that the bot greets."""
    preflight_share: float = 0.35
    """Of the widget's chats, those that begin invisibly, before the visitor has written."""
    abandoned_widget_share: float = 0.08
    """Of those, the chats that never become visible."""
    draft_share: float = 0.01
    proactive_share: float = 0.03
    reopen_share: float = 0.06
    rating_share: float = 0.3
    transfer_share: float = 0.1
    leave_share: float = 0.04
    helper_share: float = 0.03
    """Of the agent's answers, those after which a colleague joins and stays."""
    pending_share: float = 0.015
    """Of the agent's answers, those after which the chat is set aside."""
    command_share: float = 0.5
    """Of the bot's hand-offs, those that it asks for with a command."""
    hasty_share: float = 0.04
    """Of the visitors, those who wait some seconds only."""
    return_share: float = 0.08
    """Of the visitors, those who have been there before."""
    late_reopen_share: float = 0.015
    """Of the chats, those that are opened again a week or so after they ended."""
    limit_days: float = 1.5
    """How many days pass, on average, until somebody's limit of chats is changed."""
    keep_closed_days: int = 3
    """How long the server's memory keeps a closed chat."""

    def __post_init__(self) -> None:
        """Refuse what no desk can be."""
        if not _HEX24.fullmatch(self.project_id):
            raise SettingsError(f"project {self.project_id!r}: give 24 hexadecimal digits")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingsError(
                f"time zone {self.time_zone!r}: unknown; give one such as Europe/Rome"
            ) from error
        if self.limit_days <= 0:
            raise SettingsError("limit_days: give a number of days above 0")
        if self.chats_per_day <= 0 or self.agents < 1 or self.departments < 1:
            raise SettingsError("a desk needs chats, at least one agent and one department")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name}: give a share between 0 and 1")
