"""Who waited for a human, since when and until when; who took over from whom; who replied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    answered: int | None

    @property
    def counts(self) -> bool:
        """Live channel, a visitor who came by himself, and a need for a human."""
        return self.session.chat.is_live and not self.is_proactive and self.requested is not None


def wait_of(session: Session) -> Wait:
    """Return a session's wait."""
    asked = next((one.at for one in session.talk if one.role == "visitor"), None)
    requested = _requested(session, asked)
    accepted = answered = None
    if requested is not None:
        accepted = min(
            (
                max(requested, one.since)
                for one in session.assignments
                if one.until is None or one.until > requested
            ),
            default=None,
        )
        replies = (one.at for one in session.talk if one.role == "agent" and one.at >= requested)
        answered = next(replies, None)
    return Wait(session, _is_proactive(session), asked, requested, accepted, answered)


def _requested(session: Session, asked: int | None) -> int | None:
    """Without a bot, when the visitor wrote; with one, when it was over with the bot."""
    if not session.bots and not any(one.role == "bot" for one in session.talk):
        return session.opened if asked is None else asked
    signs = [one.since for one in session.assignments] + [
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

    at: int
    before: str
    after: str


def handovers(session: Session) -> Iterator[Handover]:
    """Yield who went, and was replaced: by somebody who came later, stays, and was not late."""
    for gone in session.assignments:
        if gone.until is None or _ends_with_session(gone, session):
            continue
        heirs = [one for one in session.assignments if _takes_over(one, gone, gone.until)]
        if heirs:
            latest = min(heirs, key=lambda one: (-one.since, one.what))
            yield Handover(gone.until, gone.what, latest.what)


def _ends_with_session(stretch: Stretch, session: Session) -> bool:
    return session.close_seen is not None and stretch.until == session.close_seen


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
    """A run of messages of one side: its first message."""

    first: Message


def turns(session: Session) -> list[Turn]:
    """Return visitor and agent taking turns."""
    said = [one for one in session.talk if one.role in {"visitor", "agent"}]
    return [Turn(next(run)) for _, run in groupby(said, key=lambda one: one.role)]


@dataclass(frozen=True)
class Reply:
    """An agent's turn after a visitor's."""

    at: int
    agent: str
    seconds: float


def replies(session: Session) -> Iterator[Reply]:
    """Yield how long each of the visitor's turns waited for the agent's."""
    for before, after in pairwise(turns(session)):
        if before.first.role == "visitor":
            seconds = (after.first.at - before.first.at) / 1000
            yield Reply(after.first.at, after.first.sender, seconds)
