"""Which views are kept of each chat, and what they depend on besides the chat's own rows.

`AT_ONCE` and `OWN` are functions of the rows of one chat. `DERIVED` are functions of these and of
three things about the whole archive: who is an agent, when nobody listened, and settings. Of a chat
that is closed they stay the same until one of these changes.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from analytics import queries
from analytics.settings import Settings
from archiver import contract

AT_ONCE = ("lives", "seatings", "callings")
"""Read of all new chats in one go: they tell which chats are asked about, and who is an agent."""
OWN = ("deliveries", "request_versions", "close_details", "conversations", "received_messages")
DERIVED = (
    "sessions",
    "status_intervals",
    "department_stretches",
    "bot_stretches",
    "assignments",
    "messages",
    "turns",
    "waits",
    "handovers",
    "ratings",
    "outcomes",
    "tiledesk_chats",
    "chat_levels",
    "engagements",
    "work",
    "wait_times",
    "talk_times",
    "happenings",
    "writings",
    "assignment_ends",
    "agent_doings",
)
ROWS = "rows"
"""What was received of chats that are open: something new of them comes every day."""
KEPT = (*AT_ONCE, *OWN, *DERIVED, ROWS)

ASIDE = "aside"
"""The rows of no chat: agents', the recorder's own, and what names no chat."""
HEARD = "heard_on"
"""On which days, as folders of the archive have them, something of a chat was received."""
SURROUNDINGS = {
    "agents": "agent_id, project_user_id",
    "holes": "starts_at, until",
    "gap_lags": "recorder, since, lag_us",
}
"""What was known of the whole archive when chats were derived: columns of views."""

# The limit of idleness tells when an open chat counts as abandoned; those are never kept.
_LIMITS = ("pause_limit_s",)


def limits(settings: Settings) -> dict[str, Any]:
    """Return the settings that kept views depend on."""
    return {name: settings.params()[name] for name in _LIMITS}


def lasting(before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    """Return the derived views that are the same by other limits."""
    changed = {name for name in now if before.get(name) != now[name]}
    gone: set[str] = set()
    for name in queries.VIEWS:
        words = queries.load("views", name).words
        if words & changed or (name in DERIVED and words & gone):
            gone.add(name)
    return tuple(name for name in DERIVED if name not in gone)


@cache
def version() -> str:
    """Return what the SQL of what is kept, and all that it stands on, comes to."""
    asked = " ".join((*AT_ONCE, *OWN, *DERIVED, *SURROUNDINGS))
    texts = [queries.macros(), *contract.NAMES]
    texts += [queries.load("views", name).sql for name in queries.needed(asked)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
