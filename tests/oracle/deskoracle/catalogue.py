"""Every metric that has an oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deskoracle import chats, staff
from deskoracle.book import Book
from deskoracle.window import Row, Window

ORACLES: dict[str, Callable[[Book, Window], Iterator[Row]]] = {
    one.__name__: one
    for one in (
        chats.chats_offered,
        chats.chats_closed,
        chats.first_response_human,
        chats.first_response_customer,
        chats.queue_time,
        chats.session_duration,
        chats.transfers,
        chats.close_reasons,
        chats.satisfaction,
        chats.messages_by_role,
        chats.arrivals_by_hour,
        chats.backlog_at_midnight,
        chats.tiledesk_compatible,
        staff.agent_chats,
        staff.agent_response,
        staff.agent_availability,
    )
}
