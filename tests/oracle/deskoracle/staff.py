"""The metrics of agents."""

from __future__ import annotations

from collections.abc import Iterator

from deskoracle.book import Book, Message, Session, Stretch
from deskoracle.waits import MINUTE, handovers, replies
from deskoracle.window import Period, Row, Window, mean, percentile

Doing = tuple[str, str, int]
"""What an agent did: his id, the column that counts it, when."""


def agent_chats(book: Book, window: Window) -> Iterator[Row]:
    """What each agent got, answered, passed on and closed."""
    doings = [one for session in book.sessions for one in _doings(book, session)]
    columns = (
        "assigned_count",
        "answered_count",
        "closed_count",
        "transferred_in_count",
        "transferred_out_count",
        "messages_count",
    )
    for period in window.periods:
        here = [(agent, column) for agent, column, at in doings if period.has(at)]
        for agent in sorted({agent for agent, _ in here}):
            counts = {column: here.count((agent, column)) for column in columns}
            yield _of(period, book, agent) | counts


def _of(period: Period, book: Book, agent: str) -> Row:
    return {"date": period.date, "agent_id": agent, "agent_name": book.agents[agent]}


def _doings(book: Book, session: Session) -> Iterator[Doing]:
    for got in _chats_got(session):
        yield got[0].what, "assigned_count", got[0].since
        if any(own(session, stretch) for stretch in got):
            yield got[0].what, "answered_count", got[0].since
    if session.closed is not None and session.closed_by in book.agents:
        yield session.closed_by, "closed_count", session.closed
    for one in handovers(session):
        yield one.after, "transferred_in_count", one.at
        yield one.before, "transferred_out_count", one.at
    for message in session.messages:
        if message.role == "agent" and message.is_counted:
            yield message.sender, "messages_count", message.at


def _chats_got(session: Session) -> list[list[Stretch]]:
    """Return each agent's stretches; what follows within a minute is still the same chat got."""
    got: list[list[Stretch]] = []
    for agent in {one.what for one in session.assignments}:
        before: Stretch | None = None
        for stretch in [one for one in session.assignments if one.what == agent]:
            if before and before.until is not None and stretch.since < before.until + MINUTE:
                got[-1].append(stretch)
            else:
                got.append([stretch])
            before = stretch
    return got


def own(session: Session, stretch: Stretch) -> list[Message]:
    """Return what an agent wrote while he had a chat."""
    return [
        message
        for message in session.talk
        if message.sender == stretch.what
        and message.at >= stretch.since
        and (stretch.until is None or message.at <= stretch.until)
    ]


def agent_response(book: Book, window: Window) -> Iterator[Row]:
    """How fast each agent reacted and replied, on live channels."""
    live = [session for session in book.sessions if session.chat.is_live]
    reactions = [
        (stretch.what, said[0].at, (said[0].at - stretch.since) / 1000)
        for session in live
        for stretch in session.assignments
        if (said := own(session, stretch))
    ]
    responses = [(one.agent, one.at, one.seconds) for s in live for one in replies(s)]
    for period in window.periods:
        timed = [
            (agent, kind, seconds)
            for kind, found in (("reaction", reactions), ("response", responses))
            for agent, at, seconds in found
            if period.has(at)
        ]
        for agent in sorted({agent for agent, _, _ in timed}):
            row = _of(period, book, agent)
            for kind in ("reaction", "response"):
                row |= _speed(kind, [s for who, what, s in timed if (who, what) == (agent, kind)])
            yield row


def _speed(kind: str, seconds: list[float]) -> Row:
    return {
        f"{kind}_count": len(seconds),
        f"{kind}_p50_s": percentile(seconds, 0.5),
        f"{kind}_p90_s": percentile(seconds, 0.9),
        f"{kind}_mean_s": mean(seconds),
    }


def agent_availability(book: Book, window: Window) -> Iterator[Row]:
    """For how long each agent was available, in covered time."""
    for period in window.periods:
        for agent, stretches in sorted(book.availability.items()):
            sums = {True: 0, False: 0}
            for one in stretches:
                until = period.until if one.until is None else min(one.until, period.until)
                sums[one.what] += window.covered_ms(max(one.since, period.since), until)
            if any(sums.values()):
                yield _of(period, book, agent) | {
                    "available_s": sums[True] / 1000,
                    "unavailable_s": sums[False] / 1000,
                }
