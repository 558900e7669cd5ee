"""How things are at the instant of asking: the gauges of a dashboard, and what is behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deskoracle.book import Book, Session
from deskoracle.endings import gave_up
from deskoracle.load import at_work, limited
from deskoracle.times import waits
from deskoracle.waits import turns, wait_of
from deskoracle.window import Row, Window, mean

HALF_HOUR = 30 * 60_000


def gauges(book: Book, window: Window) -> Row:
    """Return every gauge but those about the recording; live channels only."""
    states = {one: state(one) for one in _open(book)}
    counts = Counter(states.values())
    active = [one for one, what in states.items() if what == "active"]
    waiting = {(row["conversation_id"], row["state"]): row for row in waiting_now(book, window)}
    return {
        "incoming_count": counts["incoming"],
        "assigned_count": counts["assigned"],
        "active_count": counts["active"],
        **_missed(book, window),
        **_ages(
            "waiting", [row["waiting_s"] for (_, at), row in waiting.items() if at == "incoming"]
        ),
        **_ages(
            "response", [row["waiting_s"] for (_, at), row in waiting.items() if at == "active"]
        ),
        **_ages("duration", [(window.now - (wait_of(one).answered or 0)) / 1000 for one in active]),
        **_rated(book, window),
        **_staffed(list(agents_now(book, window))),
        "bot_held_count": counts["bot"],
    }


def _open(book: Book) -> list[Session]:
    return [one for one in book.sessions if one.closed is None and one.chat.is_live]


def state(session: Session) -> str:
    """Return what an open session waits for."""
    wait = wait_of(session)
    if any(one.until is None for one in session.chat.pending):
        return "pending"
    if wait.answered is not None:
        return "active"
    if wait.requested is not None:
        has_agent = any(one.until is None for one in session.assignments)
        return "assigned" if has_agent else "incoming"
    return "bot" if any(one.until is None for one in session.bots) else "open"


def waiting_now(book: Book, window: Window) -> Iterator[Row]:
    """Yield the chats in which the visitor waits for a human's word, and since when."""
    for session in _open(book):
        what = state(session)
        since = wait_of(session).requested
        if what == "active":
            last = turns(session)[-1].first
            since = last.at if last.role == "visitor" else None
        if what in {"incoming", "assigned", "active"} and since is not None:
            yield {
                "conversation_id": session.chat.id,
                "state": what,
                "waiting_s": (window.now - since) / 1000,
            }


def agents_now(book: Book, window: Window) -> Iterator[Row]:
    """Yield how each agent is, how many chats he has, and how many more he may have."""
    for agent, told in book.availability.items():
        online = agent in book.presence and book.presence[agent][-1].what == "online"
        limits = [limit for span, limit in limited(book, window, agent) if span[1] == window.now]
        limit = limits[0] if limits else None
        had = sum(
            one.until is None and bool(spans) and spans[-1][1] == window.now
            for _, one, spans in at_work(book, window).get(agent, [])
        )
        is_available, why = told[-1].what
        yield {
            "agent_id": agent,
            "state": "available" if is_available else "away" if online else "offline",
            "profile_status": why,
            "is_online": online if agent in book.presence else None,
            "chats_count": had,
            "chat_limit": limit,
            "is_at_limit": None if limit is None else had >= limit,
            "slots_free": None if limit is None else max(0, limit - had),
        }


def _ages(name: str, seconds: list[float]) -> Row:
    return {f"{name}_mean_s": mean(seconds), f"{name}_max_s": max(seconds, default=None)}


def _missed(book: Book, window: Window) -> Row:
    left = [at for wait in waits(book) if (at := gave_up(wait, window)) is not None]
    return {
        f"missed_{30 * n}m_count": sum(window.now - n * HALF_HOUR < at <= window.now for at in left)
        for n in (1, 2)
    }


def _rated(book: Book, window: Window) -> Row:
    found: Row = {}
    for n in (1, 2):
        since = window.now - n * HALF_HOUR
        stars = [
            one.rating[1] for one in book.chats.values() if one.rating and one.rating[0] > since
        ]
        found[f"good_{30 * n}m_count"] = sum(one >= 4 for one in stars)
        found[f"bad_{30 * n}m_count"] = sum(one <= 2 for one in stars)
    return found


def _staffed(agents: list[Row]) -> Row:
    counts = Counter(one["state"] for one in agents)
    ready = [one for one in agents if one["state"] == "available"]
    limited_ones = [one for one in ready if one["chat_limit"] is not None]
    has_slots = bool(ready) and len(limited_ones) == len(ready)
    return {
        "agents_available_count": counts["available"],
        "agents_away_count": counts["away"],
        "agents_offline_count": counts["offline"],
        "agents_at_limit_count": (
            sum(one["is_at_limit"] for one in limited_ones) if limited_ones else None
        ),
        "slots_count": sum(one["chat_limit"] for one in ready) if has_slots else None,
        "slots_free_count": sum(one["slots_free"] for one in ready) if has_slots else None,
    }
