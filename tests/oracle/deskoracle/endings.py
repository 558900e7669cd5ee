"""How chats end: answered or not, by whom, and whether they begin again."""

from __future__ import annotations

from deskoracle.book import Book, Session
from deskoracle.waits import Wait
from deskoracle.window import HOUR, Window

WEEK = 7 * 24 * HOUR
IN_PERSON = {"agent", "visitor"}


def gave_up(wait: Wait, window: Window) -> int | None:
    """Return when a visitor had left, or been silent for too long, without an answer."""
    session = wait.session
    if wait.answered is not None or wait.requested is None:
        return None
    if session.closed is not None:
        return session.closed
    last = max([wait.requested, *(one.at for one in session.talk)])
    idle = last + round(window.targets.idle * 1000)
    return idle if idle <= window.now else None


def reason(book: Book, session: Session) -> str:
    """Return the class of who closed a session."""
    by = session.closed_by
    special = {"_bot_unresponsive": "idle", "_trigger": "trigger", "system": "system"}
    if by is None:
        return "unknown"
    if by in special:
        return special[by]
    if by.startswith("bot_"):
        return "bot"
    if by == session.chat.lead:
        return "visitor"
    return "agent" if by in book.agents else "unknown"


def is_reopened(session: Session) -> bool:
    """Tell whether the chat was opened again within a week of its close."""
    again = session.next
    return again is not None and again.opened - (session.closed or 0) <= WEEK
