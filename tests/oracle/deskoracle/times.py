"""The metrics of how long something took in a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from deskoracle.book import Book, Session
from deskoracle.endings import gave_up
from deskoracle.facts import Fact, durations, placed, timed
from deskoracle.waits import Wait, handovers, replies, wait_of
from deskoracle.window import Row, Window, mean, percentile, share, spread


def waits(book: Book) -> list[Wait]:
    """Return those who waited for a human."""
    return [wait for wait in map(wait_of, book.sessions) if wait.counts]


def answers(begin: Callable[[Wait], int | None]) -> Callable[[Book, Window], Iterator[Fact]]:
    def facts(book: Book, _: Window) -> Iterator[Fact]:
        for wait in waits(book):
            since = begin(wait)
            if wait.answered is not None and since is not None and since <= wait.answered:
                yield Fact(wait.session, wait.answered, since, wait.answered, wait.answered_by)

    return facts


first_response_human = timed("answered", answers(lambda wait: wait.requested))
first_response_customer = timed("answered", answers(lambda wait: wait.asked))


def greetings(book: Book, _: Window) -> Iterator[Fact]:
    for session in book.sessions:
        asked = wait_of(session).asked
        if session.chat.is_live and asked is not None:
            said = [one.at for one in session.talk if one.role == "bot" and one.at >= asked]
            if said:
                yield Fact(session, said[0], asked, said[0])


first_response_bot = timed("answered", greetings)


def queued(book: Book, _: Window) -> Iterator[Fact]:
    for wait in waits(book):
        end = wait.session.closed if wait.accepted is None else wait.accepted
        yield Fact(wait.session, wait.requested or 0, wait.requested, end, what=wait)


def queue_time(book: Book, window: Window) -> Iterator[Row]:
    """From the need for a human to somebody who has the chat, or to the close."""
    for cell, here in placed(book, window, queued(book, window)):
        unaccepted = [one for one in here if one.what.accepted is None]
        yield cell.row(
            requested_count=len(here),
            left_count=sum(one.session.closed is not None for one in unaccepted),
            waiting_count=sum(one.session.closed is None for one in unaccepted),
            **durations(window, here),
        )


def accepted(book: Book, _: Window) -> Iterator[Fact]:
    for wait in waits(book):
        if wait.accepted is not None:
            by = wait.accepted_by
            yield Fact(wait.session, wait.accepted, wait.requested, wait.accepted, by)


speed_to_accept = timed("accepted", accepted)


def responses(book: Book, _: Window) -> Iterator[Fact]:
    """Yield how long each of the visitors' turns waited for an agent's."""
    for session in book.sessions:
        if session.chat.is_live:
            for one in replies(session):
                yield Fact(session, one.said.at, one.asked.at, one.said.at, one.said.sender)


response_time = timed("response", responses)


def visitor_replies(book: Book, _: Window) -> Iterator[Fact]:
    for session in book.sessions:
        if session.chat.is_live:
            for one in replies(session, "visitor"):
                yield Fact(session, one.said.at, one.asked.at, one.said.at, one.asked.sender)


visitor_response = timed("response", visitor_replies)


def _closed(begin: Callable[[Session], int | None]) -> Callable[[Book, Window], Iterator[Fact]]:
    def facts(book: Book, _: Window) -> Iterator[Fact]:
        for session in book.sessions:
            since = begin(session)
            if session.closed is not None and since is not None:
                yield Fact(session, session.closed, since, session.closed)

    return facts


def _requested_live(session: Session) -> int | None:
    wait = wait_of(session)
    return wait.requested if wait.counts else None


session_lengths = _closed(lambda one: one.opened if one.is_opening_seen else None)
tails = _closed(lambda one: one.talk[-1].at if one.talk else None)
resolutions = _closed(_requested_live)
session_duration = timed("closed", session_lengths)
idle_tail = timed("closed", tails)
resolution_time = timed("resolved", resolutions)


def active_ms(instants: list[int], end: int, window: Window) -> float:
    """Return how long was talked: silences, the last one too, count up to a limit."""
    pause = window.targets.pause * 1000
    gaps = [after - before for before, after in pairwise([*instants, end])]
    return sum(min(gap, pause) for gap in gaps) if instants else 0


def active_duration(book: Book, window: Window) -> Iterator[Row]:
    """How long was talked in closed chats."""
    closed = [
        Fact(
            one,
            one.closed,
            what=active_ms([m.at for m in one.talk], one.closed, window) / 1000,
        )
        for one in book.sessions
        if one.closed is not None and one.talk
    ]
    for cell, here in placed(book, window, closed):
        yield cell.row(closed_count=len(here), **spread([one.what for one in here]))


def takeovers(book: Book, _: Window) -> Iterator[Fact]:
    for session in book.sessions:
        for one in handovers(session):
            yield Fact(session, one.taken, one.at, one.taken, one.heir.what)


transfer_wait = timed("transferred", takeovers)


def service_level(book: Book, window: Window) -> Iterator[Row]:
    """Who got a reply in time, of those who count."""
    targets = window.targets
    end = min(window.now, window.whole.until)
    for cell, here in placed(book, window, queued(book, window)):
        answers = [(w.answered - w.requested) / 1000 for w in _whats(here) if w.answered]
        gone = [(w, at) for w in _whats(here) if (at := gave_up(w, window)) is not None]
        short = sum((at - w.requested) / 1000 < targets.short for w, at in gone)
        still = [w for w in _whats(here) if w.answered is None and gave_up(w, window) is None]
        overdue = sum((end - w.requested) / 1000 > targets.answer for w in still)
        base = {
            "answered": len(answers) + len(gone) - short + overdue,
            "offered": len(here),
            "no-abandon": len(answers) + overdue,
        }[targets.base]
        in_time = sum(seconds <= targets.answer for seconds in answers)
        yield cell.row(
            answered_count=len(answers),
            in_time_count=in_time,
            abandoned_count=len(gone),
            short_count=short,
            overdue_count=overdue,
            base_count=base,
            service_level_ratio=share(in_time, base),
        )


def _whats(facts: list[Fact]) -> list[Wait]:
    return [one.what for one in facts]


def turn_service_level(book: Book, window: Window) -> Iterator[Row]:
    """Which of the agents' replies came in time."""
    for cell, here in placed(book, window, responses(book, window)):
        in_time = sum((one.seconds or 0) <= window.targets.reply for one in here)
        yield cell.row(
            response_count=len(here),
            in_time_count=in_time,
            service_level_ratio=share(in_time, len(here)),
        )


def patience_waits(book: Book, window: Window) -> Iterator[Fact]:
    """Yield how long visitors waited to be served, and whether they gave up instead."""
    end = min(window.now, window.whole.until)
    for wait in waits(book):
        since, left = wait.requested or 0, gave_up(wait, window)
        served = [at for at in (wait.accepted, wait.answered) if at is not None]
        if not served and left is not None:
            yield Fact(wait.session, since, since, left, what=True)
        else:
            yield Fact(wait.session, since, since, min(served, default=max(since, end)), what=False)


def patience(book: Book, window: Window) -> Iterator[Row]:
    """Estimate after Kaplan and Meier which share would wait how long."""
    asked = [one for one in patience_waits(book, window) if window.whole.has(one.at)]
    left = [one.seconds for one in asked if one.what]
    still = 1.0
    for wait in sorted({seconds for seconds in left if seconds is not None}):
        at_risk = sum((one.seconds or 0) >= wait for one in asked)
        still *= 1 - left.count(wait) / at_risk
        yield {
            "wait_s": wait,
            "at_risk_count": at_risk,
            "left_count": left.count(wait),
            "still_waiting_ratio": still,
        }


def patience_mean(book: Book, window: Window) -> Iterator[Row]:
    """All time waited in the queue, for each who gave up there."""
    for cell, here in placed(book, window, patience_waits(book, window)):
        left = sum(one.what for one in here)
        total = sum(one.seconds or 0 for one in here)
        yield cell.row(
            waits_count=len(here),
            left_count=left,
            wait_total_s=total if here else None,
            patience_mean_s=total / left if left >= 30 else None,
        )


def three(name: str, seconds: list[float]) -> Row:
    """Return the median, the ninth decile and the mean of something."""
    return {
        f"{name}_p50_s": percentile(seconds, 0.5),
        f"{name}_p90_s": percentile(seconds, 0.9),
        f"{name}_mean_s": mean(seconds),
    }
