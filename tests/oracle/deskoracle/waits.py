"""Who waited for a human, since when and until when; who took over from whom; who replied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise

from deskoracle.book import Message, Session, Stretch

MINUTE = 60_000


@dataclass(frozen=True)
class Wait:
    """What a session's visitor waited for."""

    session: Session
    is_proactive: bool
    asked: int | None
    """The visitor's first message."""
    requested: int | None
    """When a human was first needed; never, if a bot had it all."""
    accepted: int | None
    accepted_by: str | None
    answered: int | None
    answered_by: str | None

    @property
    def counts(self) -> bool:
        """Live channel, a visitor who came by himself, and a need for a human."""
        return self.session.chat.is_live and not self.is_proactive and self.requested is not None

    @property
    def handling(self) -> str:
        """Whether a bot was in it, and a human needed."""
        if not has_bot(self.session):
            return "human"
        return "bot_only" if self.requested is None else "handed"

    @property
    def left(self) -> int | None:
        """When the session was closed without an answer."""
        return None if self.answered is not None else self.session.closed


def has_bot(session: Session) -> bool:
    """Tell whether a bot ever had it, or said something in it."""
    return bool(session.bots) or any(one.role == "bot" for one in session.talk)


@cache
def wait_of(session: Session) -> Wait:
    """Return a session's wait."""
    asked = next((one.at for one in session.talk if one.role == "visitor"), None)
    requested = _requested(session, asked)
    accepted: tuple[int | None, str | None] = (None, None)
    answered: tuple[int | None, str | None] = (None, None)
    if requested is not None:
        accepted = min(
            (
                (max(requested, one.since), one.what)
                for one in session.assignments
                if one.until is None or one.until > requested
            ),
            default=accepted,
        )
        replies = (m for m in session.talk if m.role == "agent" and m.at >= requested)
        answered = next(((one.at, one.sender) for one in replies), answered)
    return Wait(session, _is_proactive(session), asked, requested, *accepted, *answered)


def _requested(session: Session, asked: int | None) -> int | None:
    """Without a bot, when the visitor wrote; with one, when it was over with the bot."""
    if not has_bot(session):
        return session.opened if asked is None else asked
    signs = [one.since for one in session.assignments]
    signs += [one.at for one in session.messages if one.is_command]
    signs += [
        status.since
        for status in session.chat.statuses
        if status.what == 100
        and session.chat.session_at(status.since) is session
        and any(bot.until is not None and bot.until <= status.since for bot in session.bots)
        and not any(bot.holds(status.since + 1) for bot in session.bots)
    ]
    return min(signs, default=None)


def _is_proactive(session: Session) -> bool:
    first = next((one.role for one in session.talk if one.role in {"visitor", "agent"}), None)
    return first == "agent" or (session.number == 1 and session.chat.is_proactive)


@dataclass(frozen=True)
class Handover:
    """A chat that went from one agent to another."""

    gone: Stretch
    heir: Stretch

    @property
    def at(self) -> int:
        """When the first one left."""
        return self.gone.until or 0

    @property
    def taken(self) -> int:
        """When the second one had it alone."""
        return max(self.at, self.heir.since)


def handovers(session: Session) -> Iterator[Handover]:
    """Yield who went, and was replaced: by somebody who came later, stays, and was not late.

    Of those who had joined before, it was the last one; if nobody had, the first to come.
    """
    for gone in session.assignments:
        if gone.until is None or ends_with_session(gone, session):
            continue
        heirs = [one for one in session.assignments if _takes_over(one, gone, gone.until)]
        joined = [one for one in heirs if one.since <= gone.until]
        if joined:
            yield Handover(gone, min(joined, key=lambda one: (-one.since, one.what)))
        elif heirs:
            yield Handover(gone, min(heirs, key=lambda one: (one.since, one.what)))


def ends_with_session(stretch: Stretch, session: Session) -> bool:
    """Tell whether it was the close that ended it."""
    return session.closed is not None and stretch.until == session.closed


def _takes_over(heir: Stretch, gone: Stretch, left: int) -> bool:
    return (
        heir.what != gone.what
        and gone.since < heir.since < left + MINUTE
        and (heir.until is None or heir.until > left)
    )


def moves(session: Session, requested: int | None) -> Iterator[int]:
    """Yield when the session went to another department after a human was needed."""
    chat = session.chat
    for before, after in pairwise(chat.departments):
        is_here = chat.session_at(after.since) is session
        if is_here and before.what != after.what and requested and after.since > requested:
            yield after.since


@dataclass(frozen=True)
class Turn:
    """A run of messages of one side."""

    said: tuple[Message, ...]

    @property
    def first(self) -> Message:
        """Its first message."""
        return self.said[0]


def turns(session: Session) -> list[Turn]:
    """Return visitor and agent taking turns."""
    said = [one for one in session.talk if one.role in {"visitor", "agent"}]
    return [Turn(tuple(run)) for _, run in groupby(said, key=lambda one: one.role)]


@dataclass(frozen=True)
class Reply:
    """A turn after one of the other side."""

    asked: Message
    said: Message


def replies(session: Session, role: str = "agent") -> Iterator[Reply]:
    """Yield each of a side's turns that follows one of the other."""
    for before, after in pairwise(turns(session)):
        if after.first.role == role:
            yield Reply(before.first, after.first)
