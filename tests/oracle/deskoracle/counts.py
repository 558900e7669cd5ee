"""The metrics that count what happened in chats, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deskoracle.book import Book, Session
from deskoracle.endings import IN_PERSON, WEEK, gave_up, is_reopened, reason
from deskoracle.facts import Fact, placed
from deskoracle.times import waits
from deskoracle.waits import ends_with_session, handovers, has_bot, moves, turns, wait_of
from deskoracle.window import Row, Window, length, mean, overlap, percentile, share

MINUTE = 60_000


def _opened(book: Book) -> list[Fact]:
    return [Fact(one, one.opened) for one in book.sessions]


def closed(book: Book) -> list[Fact]:
    """Return every close, and who did it."""
    return [
        Fact(one, one.closed, agent=one.closed_by)
        for one in book.sessions
        if one.closed is not None
    ]


def _requested(book: Book) -> list[Fact]:
    waiting = map(wait_of, book.sessions)
    return [Fact(w.session, w.requested) for w in waiting if w.requested is not None]


def chats_offered(book: Book, window: Window) -> Iterator[Row]:
    """Openings, new and again."""
    for cell, here in placed(book, window, _opened(book)):
        sessions = [one.session for one in here]
        yield cell.row(
            sessions_count=len(sessions),
            new_count=sum(one.number == 1 for one in sessions),
            reopened_count=sum(one.number > 1 for one in sessions),
            chats_count=len({one.chat.id for one in sessions}),
            contacts_count=len({one.chat.lead for one in sessions}),
            bot_only_count=sum(wait_of(one).handling == "bot_only" for one in sessions),
        )


def chats_closed(book: Book, window: Window) -> Iterator[Row]:
    """Closes."""
    for cell, here in placed(book, window, closed(book)):
        yield cell.row(
            sessions_count=len(here),
            chats_count=len({one.session.chat.id for one in here}),
            untold_count=sum(not one.session.is_told for one in here),
        )


def human_requests(book: Book, window: Window) -> Iterator[Row]:
    """Chats that needed a human."""
    asked = placed(book, window, _requested(book))
    for (cell, here), (_, began) in zip(asked, placed(book, window, _opened(book)), strict=True):
        needy = sum(wait_of(one.session).requested is not None for one in began)
        yield cell.row(
            requested_count=len(here),
            opened_count=len(began),
            requested_ratio=share(needy, len(began)),
        )


def bot_containment(book: Book, window: Window) -> Iterator[Row]:
    """Chats with a bot that needed no human."""
    with_bot = [one for one in closed(book) if has_bot(one.session)]
    for cell, here in placed(book, window, with_bot):
        alone = [one.session for one in here if wait_of(one.session).handling == "bot_only"]
        deserted = sum(one.closed_by == "_bot_unresponsive" for one in alone)
        contained = len(alone) - deserted
        yield cell.row(
            with_bot_count=len(here),
            contained_count=contained,
            deserted_count=deserted,
            handed_count=len(here) - len(alone),
            contained_ratio=share(contained, len(here)),
            deserted_ratio=share(deserted, len(here)),
        )


def abandonment(book: Book, window: Window) -> Iterator[Row]:
    """Visitors who left, or fell silent, before a human replied."""
    asked = [Fact(wait.session, wait.requested or 0) for wait in waits(book)]
    gone = [
        Fact(wait.session, at) for wait in waits(book) if (at := gave_up(wait, window)) is not None
    ]
    both = zip(placed(book, window, asked), placed(book, window, gone), strict=True)
    for (cell, requested), (_, here) in both:
        assigned = [one.session for one in here if one.session.assignments]
        yield cell.row(
            requested_count=len(requested),
            abandoned_queue_count=len(here) - len(assigned),
            abandoned_assigned_count=len(assigned),
            agent_closed_count=sum(reason(book, one) == "agent" for one in assigned),
            idle_count=sum(one.session.closed is None for one in here),
            abandoned_ratio=share(len(here), len(requested)),
        )


def dropped_chats(book: Book, window: Window) -> Iterator[Row]:
    """Chats that ended with a visitor whom nobody answered any more."""
    answered = [one for one in closed(book) if _agent_turns(one.session)]
    for cell, here in placed(book, window, answered):
        sessions = [one.session for one in here]
        dropped = [one for one in sessions if turns(one)[-1].first.role == "visitor"]
        reasons = [reason(book, one) for one in dropped]
        yield cell.row(
            answered_count=len(here),
            dropped_count=len(dropped),
            dropped_by_visitor_count=reasons.count("visitor"),
            dropped_auto_count=sum(one not in {*IN_PERSON, "unknown"} for one in reasons),
            dropped_ratio=share(len(dropped), len(here)),
        )


def _agent_turns(session: Session) -> int:
    return sum(turn.first.role == "agent" for turn in turns(session))


def abandoned_by_agents(book: Book, window: Window) -> Iterator[Row]:
    """Chats that every agent had left."""
    left = [
        Fact(chat.session_at(status.since), status.since)
        for chat in book.chats.values()
        for status in chat.statuses
        if status.what == 150
    ]
    for cell, here in placed(book, window, left):
        chats = {one.session.chat.id for one in here}
        yield cell.row(chats_count=len(chats), events_count=len(here))


def ended_assignments(book: Book) -> list[Fact]:
    """Return the ends of assignments; a fact's `what` tells whether the chat was missed."""
    return [
        Fact(
            session,
            one.until,
            one.since,
            one.until,
            one.what,
            not ends_with_session(one, session) and not any(own_words(session, one)),
        )
        for session, one in book.assignments
        if one.until is not None
    ]


def own_words(session: Session, stretch: object) -> list[int]:
    """Return when an agent wrote while he had a chat."""
    who, since, until = (getattr(stretch, name) for name in ("what", "since", "until"))
    return [
        message.at
        for message in session.talk
        if message.sender == who and message.at >= since and (until is None or message.at <= until)
    ]


def missed_assignments(book: Book, window: Window) -> Iterator[Row]:
    """Chats that went from an agent who had not written a word."""
    for cell, here in placed(book, window, ended_assignments(book)):
        missed = [one for one in here if one.what]
        yield cell.row(
            missed_count=len(missed),
            assigned_count=len(here),
            missed_ratio=share(len(missed), len(here)),
            p50_s=percentile([one.seconds for one in missed], 0.5),
        )


def transfers(book: Book, window: Window) -> Iterator[Row]:
    """From agent to agent, from department to department; and who came to help."""
    sessions = book.sessions
    facts = [Fact(s, one.at, what="agent") for s in sessions for one in handovers(s)]
    facts += [
        Fact(s, at, what="department") for s in sessions for at in moves(s, wait_of(s).requested)
    ]
    facts += [Fact(s, at, what="join") for s in sessions for at in joins(s)]
    facts += [Fact(s, s.opened, what="opened") for s in sessions if s.assignments]
    for cell, here in placed(book, window, facts):
        kinds = Counter(one.what for one in here)
        began = [one.session for one in here if one.what == "opened"]
        yield cell.row(
            agent_count=kinds["agent"],
            department_count=kinds["department"],
            join_count=kinds["join"],
            sessions_count=len(began),
            transferred_ratio=mean(any(True for _ in handovers(one)) for one in began),
        )


def joins(session: Session) -> Iterator[int]:
    """Yield when somebody came to those who had the chat, and took it from nobody."""
    heirs = [one.heir for one in handovers(session)]
    for one in session.assignments:
        others = [other for other in session.assignments if other.what != one.what]
        is_helper = any(
            other.since < one.since and (other.until is None or other.until > one.since)
            for other in others
        )
        if is_helper and one not in heirs:
            yield one.since


def one_touch(book: Book, window: Window) -> Iterator[Row]:
    """Chats that needed one reply."""
    answered = [one for one in closed(book) if _agent_turns(one.session)]
    for cell, here in placed(book, window, answered):
        once = sum(_agent_turns(one.session) == 1 for one in here)
        yield cell.row(
            closed_count=len(here), one_touch_count=once, one_touch_ratio=share(once, len(here))
        )


def reopen_rate(book: Book, window: Window) -> Iterator[Row]:
    """Chats that were opened again within a week."""
    for cell, here in placed(book, window, closed(book)):
        again = sum(is_reopened(one.session) for one in here)
        yield cell.row(
            closed_count=len(here),
            reopened_count=again,
            reopened_ratio=share(again, len(here)),
            is_provisional=window.now < cell.period.until + WEEK,
        )


def close_reasons(book: Book, window: Window) -> Iterator[Row]:
    """Who closed."""
    for cell, here in placed(book, window, closed(book)):
        for why, count in Counter(reason(book, one.session) for one in here).items():
            yield cell.row(close_reason=why, sessions_count=count, closed_ratio=count / len(here))


def unassigned_share(book: Book, window: Window) -> Iterator[Row]:
    """Chats that nobody had for more than a minute after a human was needed."""
    for cell, here in placed(book, window, _requested(book)):
        alone = sum(_alone_ms(one, window) > MINUTE for one in here)
        yield cell.row(
            requested_count=len(here),
            unassigned_count=alone,
            unassigned_ratio=share(alone, len(here)),
        )


def _alone_ms(fact: Fact, window: Window) -> int:
    since, until = fact.at, fact.session.closed or window.now
    waiting = [
        (one.since, window.now if one.until is None else one.until)
        for one in fact.session.chat.statuses
        if one.what == 100
    ]
    return length(overlap([(since, until)], waiting))
