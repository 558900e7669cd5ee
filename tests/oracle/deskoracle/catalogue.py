"""Every metric that has an oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from deskoracle import counts, load, server, staff, talk, times
from deskoracle.book import Book
from deskoracle.facts import Fact
from deskoracle.window import Row, Window

Facts = Callable[[Book, Window], Iterable[Fact]]
Oracle = Callable[[Book, Window], Iterator[Row]]

NAMES = {
    times: (
        "first_response_human",
        "first_response_customer",
        "first_response_bot",
        "queue_time",
        "speed_to_accept",
        "response_time",
        "visitor_response",
        "session_duration",
        "active_duration",
        "idle_tail",
        "resolution_time",
        "transfer_wait",
        "service_level",
        "turn_service_level",
        "patience",
        "patience_mean",
    ),
    counts: (
        "chats_offered",
        "chats_closed",
        "human_requests",
        "bot_containment",
        "abandonment",
        "dropped_chats",
        "abandoned_by_agents",
        "missed_assignments",
        "transfers",
        "one_touch",
        "reopen_rate",
        "close_reasons",
        "unassigned_share",
    ),
    talk: (
        "satisfaction",
        "messages_by_role",
        "arrivals_by_hour",
        "arrivals_by_weekday_hour",
        "backlog_at_midnight",
    ),
    server: ("tiledesk_compatible", "tiledesk_differences"),
    staff: (
        "handle_time",
        "deferred_work",
        "agent_chats",
        "agent_response",
        "agent_handle_time",
        "agent_productivity",
        "agent_closes",
        "agent_satisfaction",
        "agent_messages",
    ),
    load: (
        "agent_availability",
        "agent_presence",
        "agent_load",
        "agent_day",
        "bot_time",
        "queue_length",
        "chats_in_progress",
    ),
}

ORACLES: dict[str, Oracle] = {
    name: getattr(module, name) for module, names in NAMES.items() for name in names
}

FACTS: dict[str, Facts] = {
    "first_response_human": times.answers(lambda wait: wait.requested),
    "first_response_customer": times.answers(lambda wait: wait.asked),
    "first_response_bot": times.greetings,
    "queue_time": times.queued,
    "speed_to_accept": times.accepted,
    "response_time": times.responses,
    "visitor_response": times.visitor_replies,
    "session_duration": times.session_lengths,
    "idle_tail": times.tails,
    "resolution_time": times.resolutions,
    "transfer_wait": times.takeovers,
    "patience": times.patience_waits,
    "reaction": staff.reactions,
    "assignment_elapsed": lambda book, _: counts.ended_assignments(book),
}
"""What is timed, by name: what is told of single chats can be held against it."""
