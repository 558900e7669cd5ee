"""The metrics of chats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from deskoracle.book import Book, Session
from deskoracle.waits import Wait, handovers, moves, wait_of
from deskoracle.window import Period, Row, Window, mean, percentile, spread


def chats_offered(book: Book, window: Window) -> Iterator[Row]:
    """Openings, new and again."""
    for period in window.periods:
        opened = [one for one in book.sessions if period.has(one.opened)]
        yield {
            "date": period.date,
            "sessions_count": len(opened),
            "new_count": sum(one.number == 1 for one in opened),
            "reopened_count": sum(one.number > 1 for one in opened),
            "chats_count": len({one.chat.id for one in opened}),
            "contacts_count": len({one.chat.lead for one in opened}),
            "bot_only_count": sum(wait_of(one).requested is None for one in opened),
        }


def chats_closed(book: Book, window: Window) -> Iterator[Row]:
    """Closes."""
    for period in window.periods:
        closed = [one for one in book.sessions if period.has(one.closed)]
        yield {
            "date": period.date,
            "sessions_count": len(closed),
            "chats_count": len({one.chat.id for one in closed}),
            "untold_count": sum(not one.is_told for one in closed),
        }


def first_response_human(book: Book, window: Window) -> Iterator[Row]:
    """From the need for a human to his first reply."""
    return _responses(book, window, lambda wait: wait.requested)


def first_response_customer(book: Book, window: Window) -> Iterator[Row]:
    """From the visitor's first message to a human's first reply."""
    return _responses(book, window, lambda wait: wait.asked)


def _responses(book: Book, window: Window, begin: Callable[[Wait], int | None]) -> Iterator[Row]:
    waits = [wait for wait in map(wait_of, book.sessions) if wait.counts]
    timed = [(wait.answered, begin(wait)) for wait in waits]
    known = [(at, at - since) for at, since in timed if at is not None and since is not None]
    for period in window.periods:
        seconds = [ms / 1000 for at, ms in known if period.has(at)]
        yield {"date": period.date, "answered_count": len(seconds), **spread(seconds)}


def queue_time(book: Book, window: Window) -> Iterator[Row]:
    """From the need for a human to somebody who has the chat, or to the close."""
    waits = [wait for wait in map(wait_of, book.sessions) if wait.counts]
    for period in window.periods:
        here = [wait for wait in waits if period.has(wait.requested)]
        ends = [(wait, wait.accepted or wait.session.closed) for wait in here]
        seconds = [(end - (wait.requested or 0)) / 1000 for wait, end in ends if end]
        unaccepted = [wait for wait in here if wait.accepted is None]
        yield {
            "date": period.date,
            "requested_count": len(here),
            "left_count": sum(wait.session.closed is not None for wait in unaccepted),
            "waiting_count": sum(wait.session.closed is None for wait in unaccepted),
            **spread(seconds),
        }


def session_duration(book: Book, window: Window) -> Iterator[Row]:
    """From opening to close."""
    for period in window.periods:
        seconds = [
            (one.closed - one.opened) / 1000
            for one in book.sessions
            if one.closed is not None and period.has(one.closed)
        ]
        yield {"date": period.date, "closed_count": len(seconds), **spread(seconds)}


def transfers(book: Book, window: Window) -> Iterator[Row]:
    """From agent to agent, and from department to department."""
    by_agent = [one.at for session in book.sessions for one in handovers(session)]
    by_department = [
        at for session in book.sessions for at in moves(session, wait_of(session).requested)
    ]
    seated = [session for session in book.sessions if session.assignments]
    for period in window.periods:
        here = [session for session in seated if period.has(session.opened)]
        yield {
            "date": period.date,
            "agent_count": sum(map(period.has, by_agent)),
            "department_count": sum(map(period.has, by_department)),
            "sessions_count": len(here),
            "transferred_ratio": mean(any(True for _ in handovers(one)) for one in here),
        }


def close_reasons(book: Book, window: Window) -> Iterator[Row]:
    """Who closed."""
    for period in window.periods:
        closed = [one for one in book.sessions if period.has(one.closed)]
        for reason, count in Counter(_reason(book, one) for one in closed).items():
            yield {
                "date": period.date,
                "close_reason": reason,
                "sessions_count": count,
                "closed_ratio": count / len(closed),
            }


def _reason(book: Book, session: Session) -> str:
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


def satisfaction(book: Book, window: Window) -> Iterator[Row]:
    """Ratings, by when they were given."""
    rated = [chat.rating for chat in book.chats.values() if chat.rating]
    staffed = [one for one in book.sessions if one.assignments]
    for period in window.periods:
        stars = [rating for at, rating in rated if period.has(at)]
        closed = [one for one in staffed if period.has(one.closed)]
        yield {
            "date": period.date,
            "rated_count": len(stars),
            "mean_rating": mean(stars),
            "good_ratio": mean(rating >= 4 for rating in stars),
            **{f"rating_{n}_count": stars.count(n) for n in range(1, 6)},
            "response_ratio": mean(one.chat.rating is not None for one in closed),
        }


def messages_by_role(book: Book, window: Window) -> Iterator[Row]:
    """What was written, by whom."""
    said = [
        (message, chat.id)
        for chat in book.chats.values()
        for session in chat.sessions
        for message in session.messages
        if message.is_counted
    ]
    for period in window.periods:
        here = [(message.role, chat) for message, chat in said if period.has(message.at)]
        for role in {role for role, _ in here}:
            chats = [chat for one, chat in here if one == role]
            yield {
                "date": period.date,
                "sender_role": role,
                "messages_count": len(chats),
                "chats_count": len(set(chats)),
            }


def arrivals_by_hour(book: Book, window: Window) -> Iterator[Row]:
    """Openings by the local hour of the day, and how long it was that hour in the window."""
    minute = 60_000
    exposed: Counter[int] = Counter()
    for day in window.days:
        for at in range(day.since, day.until, minute):
            exposed[window.hour(at)] += window.covered_ms(at, at + minute)
    opened = [one.opened for one in book.sessions if window.whole.has(one.opened)]
    seen = [at for at in opened if any(since <= at <= until for since, until in window.covered)]
    arrived, counted = Counter(map(window.hour, opened)), Counter(map(window.hour, seen))
    for hour in range(24):
        exposure = exposed[hour] / 3_600_000
        yield {
            "hour": hour,
            "sessions_count": arrived[hour],
            "exposure_h": exposure,
            "arrivals_per_h": counted[hour] / exposure if exposure else None,
        }


def backlog_at_midnight(book: Book, window: Window) -> Iterator[Row]:
    """What was open when each day ended."""
    for day in window.days:
        if day.until <= window.now:
            yield {"date": day.date, **_backlog(book.sessions, day)}


def _backlog(sessions: Iterable[Session], day: Period) -> Row:
    at = day.until
    left = [one for one in sessions if one.opened < at and not (one.closed and one.closed < at)]
    status = [
        next((stretch.what for stretch in one.chat.statuses if stretch.holds(at)), None)
        for one in left
    ]
    waits = [wait_of(one) for one in left]
    ages = [(at - one.opened) / 1000 for one in left]
    return {
        "open_count": len(left),
        "unassigned_count": status.count(100),
        "assigned_count": status.count(200),
        "abandoned_count": status.count(150),
        "pending_count": 0,
        "unanswered_count": sum(_is_unanswered(wait, at) for wait in waits),
        "age_p50_s": percentile(ages, 0.5),
        "age_max_s": max(ages, default=None),
    }


def _is_unanswered(wait: Wait, at: int) -> bool:
    if not wait.counts or wait.requested is None or wait.requested >= at:
        return False
    return wait.answered is None or wait.answered >= at


def tiledesk_compatible(book: Book, window: Window) -> Iterator[Row]:
    """Count as the server does: by creation, drafts and the system's messages too."""
    whole = window.whole
    chats = [chat for chat in book.chats.values() if whole.has(chat.created)]
    messages = [one for session in book.sessions for one in session.messages if whole.has(one.at)]
    yield {
        "requests_count": len(chats) + sum(map(whole.has, book.drafts)),
        "waiting_time_avg_ms": mean(c.waiting_ms for c in chats if c.waiting_ms is not None),
        "duration_avg_ms": mean(c.closed - c.created for c in chats if c.closed is not None),
        "satisfaction_avg": mean(c.rating[1] for c in chats if c.rating is not None),
        "messages_count": len(messages),
    }
