"""The metrics of what was said, when chats came, how they were rated, and what was left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from deskoracle.book import Book
from deskoracle.counts import closed
from deskoracle.facts import Fact, cells, placed
from deskoracle.waits import Wait, turns, wait_of
from deskoracle.window import QUARTER, Row, Window, mean, percentile, share


def ratings(book: Book) -> list[Fact]:
    """Return the stars, with the agent who wrote the last of the agents' messages before."""
    found = []
    for chat in book.chats.values():
        if chat.rating:
            at, stars = chat.rating
            session = chat.session_at(at)
            said = [one.sender for one in session.talk if one.role == "agent"]
            found.append(Fact(session, at, agent=said[-1] if said else None, what=stars))
    return found


def satisfaction(book: Book, window: Window) -> Iterator[Row]:
    """Ratings, by when they were given."""
    staffed = [one for one in closed(book) if one.session.assignments]
    both = zip(placed(book, window, ratings(book)), placed(book, window, staffed), strict=True)
    for (cell, rated), (_, here) in both:
        stars = [one.what for one in rated]
        yield cell.row(
            rated_count=len(stars),
            mean_rating=mean(stars),
            good_ratio=mean(rating >= 4 for rating in stars),
            **{f"rating_{n}_count": stars.count(n) for n in range(1, 6)},
            response_ratio=mean(one.session.chat.rating is not None for one in here),
        )


def messages(book: Book) -> list[Fact]:
    """Return what was said."""
    return [
        Fact(session, one.at, agent=one.sender, what=one)
        for session in book.sessions
        for one in session.messages
        if one.is_counted
    ]


def begun_turns(book: Book) -> list[Fact]:
    """Return the turns that visitors and agents took."""
    return [
        Fact(session, one.first.at, agent=one.first.sender, what=one.first)
        for session in book.sessions
        for one in turns(session)
    ]


def messages_by_role(book: Book, window: Window) -> Iterator[Row]:
    """What was written, by whom."""
    both = zip(
        placed(book, window, messages(book)), placed(book, window, begun_turns(book)), strict=True
    )
    for (cell, said), (_, begun) in both:
        for role in {one.what.role for one in said}:
            here = [one for one in said if one.what.role == role]
            yield cell.row(
                sender_role=role,
                messages_count=len(here),
                chats_count=len({one.session.chat.id for one in here}),
                turns_count=sum(one.what.role == role for one in begun),
                chars_count=sum(one.what.length for one in here),
            )


def arrivals_by_hour(book: Book, window: Window) -> Iterator[Row]:
    """Openings by the local hour of the day, and how long it was that hour in the window."""
    yield from _arrivals(book, window, window.hour, lambda hour: {"hour": hour}, range(24))


def arrivals_by_weekday_hour(book: Book, window: Window) -> Iterator[Row]:
    """Openings by the hour of the week, and how long it was that hour in the window."""

    def name(at: int) -> int:
        return window.weekday(at) * 24 + window.hour(at)

    days = sorted({day.date.isoweekday() for day in window.days if day.date})
    names = [day * 24 + hour for day in days for hour in range(24)]
    yield from _arrivals(
        book, window, name, lambda one: {"weekday": one // 24, "hour": one % 24}, names
    )


def _arrivals(
    book: Book,
    window: Window,
    name: Callable[[int], int],
    columns: Callable[[int], Row],
    names: range | list[int],
) -> Iterator[Row]:
    exposed: Counter[int] = Counter()
    elapsed: Counter[int] = Counter()
    for day in window.days:
        for at in range(day.since, day.until, QUARTER):
            exposed[name(at)] += window.covered_ms(at, at + QUARTER)
            elapsed[name(at)] += max(0, min(at + QUARTER, window.now) - at)
    opened = [one.opened for one in book.sessions if window.whole.has(one.opened)]
    seen = [at for at in opened if any(since <= at < until for since, until in window.covered)]
    arrived, counted = Counter(map(name, opened)), Counter(map(name, seen))
    for one in names:
        exposure = exposed[one] / 3_600_000
        yield columns(one) | {
            "sessions_count": arrived[one],
            "exposure_h": exposure,
            "arrivals_per_h": share(counted[one], exposure),
            "coverage_ratio": share(exposed[one], elapsed[one]),
        }


def backlog_at_midnight(book: Book, window: Window) -> Iterator[Row]:
    """What was open when each day ended."""
    coverage = {cell.period.date: cell.coverage for cell in cells(book, window)}
    for day in window.days:
        if day.until <= window.now:
            yield {
                "date": day.date,
                **_backlog(book, day.until),
                "coverage_ratio": coverage[day.date],
            }


def _backlog(book: Book, at: int) -> Row:
    sessions = book.sessions
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
        "pending_count": sum(any(s.holds(at) for s in one.chat.pending) for one in left),
        "unanswered_count": sum(_is_unanswered(wait, at) for wait in waits),
        "age_p50_s": percentile(ages, 0.5),
        "age_max_s": max(ages, default=None),
    }


def _is_unanswered(wait: Wait, at: int) -> bool:
    if not wait.counts or wait.requested is None or wait.requested >= at:
        return False
    return wait.answered is None or wait.answered >= at
