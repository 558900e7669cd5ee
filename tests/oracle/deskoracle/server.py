"""The server's own figures, and what sets them apart from ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deskoracle.book import Book, Chat
from deskoracle.times import waits
from deskoracle.waits import handovers, moves, wait_of
from deskoracle.window import Row, Window, mean

APART = ("bot", "transfer", "idle_close", "reopen", "open_again", "draft")


def tiledesk_compatible(book: Book, window: Window) -> Iterator[Row]:
    """Count as the server does: by creation, drafts and the system's messages too."""
    whole = window.whole
    chats = _created(book, window)
    said = [one for session in book.sessions for one in session.messages if whole.has(one.at)]
    yield {
        "requests_count": len(chats) + sum(map(whole.has, book.drafts)),
        "waiting_time_avg_ms": mean(chat.waiting_ms for chat in chats),
        "duration_avg_ms": mean(c.closed - c.created for c in chats if c.closed is not None),
        "satisfaction_avg": mean(chat.rating[1] for chat in chats if chat.rating is not None),
        "messages_count": len(said),
    }


def _created(book: Book, window: Window) -> list[Chat]:
    return [chat for chat in book.chats.values() if window.whole.has(chat.created)]


def tiledesk_differences(book: Book, window: Window) -> Iterator[Row]:
    """The same figures beside ours. Of a draft nothing but its creation is ever published."""
    (theirs,) = tiledesk_compatible(book, window)
    yield _requests(book, window, theirs["requests_count"])
    yield _waiting(book, window, theirs["waiting_time_avg_ms"])
    yield _duration(book, window, theirs["duration_avg_ms"])
    yield _satisfaction(book, window, theirs["satisfaction_avg"])
    yield _messages(book, window, theirs["messages_count"])


def _row(figure: str, theirs: float | None, ours: float | None, chats: int, **counts: int) -> Row:
    head = {"figure": figure, "tiledesk_value": theirs, "our_value": ours, "chats_count": chats}
    return head | {f"{name}_count": counts.get(name) for name in APART} | {"why": str}


def _requests(book: Book, window: Window, theirs: int) -> Row:
    opened = [one for one in book.sessions if window.whole.has(one.opened)]
    again = sum(one.number > 1 for one in opened)
    drafts = sum(map(window.whole.has, book.drafts))
    counts = {"reopen": again, "draft": drafts}
    return _row("requests_count", float(theirs), float(len(opened)), theirs, **counts)


def _waiting(book: Book, window: Window, theirs: float | None) -> Row:
    answered = [
        (wait.answered - wait.requested) / 1000
        for wait in waits(book)
        if wait.requested is not None and window.whole.has(wait.answered)
    ]
    chats = [chat for chat in _created(book, window) if chat.waiting_ms is not None]
    bots, moved = sum(map(_is_bot_first, chats)), sum(map(_is_moved, chats))
    counts = {"bot": bots, "transfer": moved, "draft": 0}
    return _row("waiting_time", _seconds(theirs), mean(answered), len(chats), **counts)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000


def _is_bot_first(chat: Chat) -> bool:
    """Tell whether a bot wrote before any agent."""
    said = [one for session in chat.sessions for one in session.messages if one.is_counted]
    first = {
        role: next((one.at for one in said if one.role == role), None) for role in ("bot", "agent")
    }
    return first["bot"] is not None and (first["agent"] is None or first["bot"] < first["agent"])


def _is_moved(chat: Chat) -> bool:
    return any(
        any(True for _ in handovers(one)) or any(True for _ in moves(one, wait_of(one).requested))
        for one in chat.sessions
    )


def _duration(book: Book, window: Window, theirs: float | None) -> Row:
    lasted = [
        (one.closed - one.opened) / 1000
        for one in book.sessions
        if one.closed is not None and one.is_opening_seen and window.whole.has(one.closed)
    ]
    chats = [chat for chat in _created(book, window) if chat.closed is not None]

    def count(holds: Callable[[Chat], bool]) -> int:
        return sum(map(holds, chats))

    counts = {
        "idle_close": count(lambda chat: _last_closer(chat) == "_bot_unresponsive"),
        "reopen": count(lambda chat: len(chat.sessions) > 1),
        "open_again": count(lambda chat: chat.sessions[-1].closed is None),
        "draft": 0,
    }
    return _row("duration", _seconds(theirs), mean(lasted), len(chats), **counts)


def _last_closer(chat: Chat) -> str | None:
    return [one.closed_by for one in chat.sessions if one.is_told][-1]


def _satisfaction(book: Book, window: Window, theirs: float | None) -> Row:
    rated = [chat for chat in _created(book, window) if chat.rating]
    given = [
        chat.rating[1]
        for chat in book.chats.values()
        if chat.rating and window.whole.has(chat.rating[0])
    ]
    return _row("satisfaction", theirs, mean(given), len(rated), draft=0)


def _messages(book: Book, window: Window, theirs: int) -> Row:
    said = [
        (one, session.chat)
        for session in book.sessions
        for one in session.messages
        if window.whole.has(one.at)
    ]
    ours = sum(one.is_counted for one, _ in said)
    chats = {chat.id for _, chat in said}
    return _row("messages", float(theirs), float(ours), len(chats), draft=0)
