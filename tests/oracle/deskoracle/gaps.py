"""What a recorder with gaps can know of chats: not what came and went while it was away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from deskoracle.book import Book, Chat, Session, Stretch
from deskoracle.window import Span


def holes(covered: Iterable[Span]) -> list[Span]:
    """Return the times between those that a recorder vouches for."""
    return [(before[1], after[0]) for before, after in pairwise(sorted(covered))]


def seen(book: Book, gaps: list[Span]) -> Book:
    """Return the book without the stretches that lie wholly in a gap."""
    return replace(book, chats={name: _chat(chat, gaps) for name, chat in book.chats.items()})


def _chat(chat: Chat, gaps: list[Span]) -> Chat:
    told = replace(
        chat,
        sessions=[],
        statuses=_told(chat.statuses, gaps),
        departments=_told(chat.departments, gaps),
        working=_told(chat.working, gaps),
    )
    told.sessions = [_session(told, one, gaps) for one in chat.sessions]
    return told


def _session(chat: Chat, session: Session, gaps: list[Span]) -> Session:
    return replace(
        session,
        chat=chat,
        assignments=_told(session.assignments, gaps),
        bots=_told(session.bots, gaps),
    )


def _told(stretches: list[Stretch], gaps: list[Span]) -> list[Stretch]:
    """Return what was there before or after a gap; who was there both times never left."""
    found: list[Stretch] = []
    for one in stretches:
        if _is_hidden(one.since, one.until, gaps):
            continue
        again = [n for n, other in enumerate(found) if _comes_back(other, one, gaps)]
        if again:
            found[again[-1]] = replace(found[again[-1]], until=one.until)
        else:
            found.append(one)
    return found


def _comes_back(before: Stretch, after: Stretch, gaps: list[Span]) -> bool:
    return (
        before.what == after.what
        and before.until is not None
        and _is_hidden(before.until, after.since, gaps)
    )


def _is_hidden(since: int, until: int | None, gaps: list[Span]) -> bool:
    return until is not None and any(a < since and until < b for a, b in gaps)
