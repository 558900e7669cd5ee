"""Things that happened in chats, and the cells of an answer that they belong to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deskoracle.book import Book, Session
from deskoracle.waits import wait_of
from deskoracle.window import Period, Row, Window, length, mean, overlap, percentile, spread

NONE = "(none)"
BY_TIME = {"hour", "weekday"}


@dataclass(frozen=True, eq=False)
class Fact:
    """Something that happened in a session, at the instant that puts it into a window."""

    session: Session
    at: int
    since: int | None = None
    until: int | None = None
    agent: str | None = None
    what: Any = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.since is None or self.until is None:
            return None
        return (self.until - self.since) / 1000

    def open_seconds(self, window: Window) -> float | None:
        """How much of that lies in the opening hours of the chat's last department."""
        chat = self.session.chat
        hours = window.open_spans(chat.departments[-1].what if chat.departments else None)
        if hours is None or self.since is None or self.until is None:
            return None
        return length(overlap([(self.since, self.until)], hours)) / 1000


@dataclass(frozen=True)
class Cell:
    """A row of an answer: a period, and a slice of what happened in it."""

    period: Period
    by: str | None
    """What it is a slice by: the name of its column."""
    slice: str | None
    agent: str | None
    coverage: float | None

    def row(self, **figures: object) -> Row:
        """Return a row with the figures, between the columns that each metric has."""
        head: Row = {"date": self.period.date}
        sliced = {self.by: self.slice} if self.by else {}
        return head | sliced | figures | {"coverage_ratio": self.coverage}


def cells(book: Book, window: Window) -> Iterator[Cell]:
    """Yield every cell that an answer has a row for."""
    slices = _slices(book, window)
    for period in window.periods:
        coverage = window.coverage(period)
        for name, agent in slices:
            yield Cell(period, window.breakdown, period.bucket or name, agent, coverage)


def _slices(book: Book, window: Window) -> list[tuple[str | None, str | None]]:
    by = window.breakdown
    if by is None or by in BY_TIME:
        return [(None, None)]
    if by == "agent":
        return [*((name, agent) for agent, name in slice_names(book).items()), (NONE, None)]
    found = {name for one in book.sessions for name in traits(book, one, by)}
    return [(name, None) for name in sorted(found)]


def slice_names(book: Book) -> dict[str, str]:
    """Return how agents are called in a breakdown; those without a chat are not known."""
    known = {one.what for _, one in book.assignments}
    return {agent: name for agent, name in book.agents.items() if agent in known}


def traits(book: Book, session: Session, by: str, at: int | None = None) -> set[str]:
    """Return the slices of a session, at an instant, or ever."""
    chat = session.chat
    if by == "department":
        return _departments(book, session, at)
    if by == "tag":
        return set(chat.tags) or {NONE}
    if by == "bot":
        return {wait_of(session).handling}
    return {{"channel": chat.channel, "language": chat.language}[by]}


def _departments(book: Book, session: Session, at: int | None) -> set[str]:
    """Return where a session was; before its first department it was there, too."""
    until = session.next.opened if session.next else None
    here = [
        one
        for one in session.chat.departments
        if (one.until is None or one.until > session.opened)
        and (until is None or one.since < until)
    ]
    if at is not None and here:
        here = [one for one in here if one.since <= at][-1:] or here[:1]
    return {book.departments[one.what] for one in here} or {NONE}


def placed(book: Book, window: Window, facts: Iterable[Fact]) -> Iterator[tuple[Cell, list[Fact]]]:
    """Yield every cell with the facts that lie in it."""
    ordered = sorted(facts, key=lambda one: one.at)
    instants = [one.at for one in ordered]
    by = window.breakdown
    by_trait = by is not None and by not in BY_TIME and by != "agent"
    of = {one: traits(book, one.session, by, one.at) for one in ordered} if by_trait and by else {}
    for cell in cells(book, window):
        here = [
            one
            for since, until in cell.period.spans
            for one in ordered[bisect_left(instants, since) : bisect_left(instants, until)]
        ]
        if of:
            here = [one for one in here if cell.slice in of[one]]
        elif by == "agent":
            here = [one for one in here if _agent(book, one) == cell.agent]
        yield cell, here


def _agent(book: Book, fact: Fact) -> str | None:
    return fact.agent if fact.agent in book.agents else None


def timed(name: str, facts: Callable[[Book, Window], Iterable[Fact]]) -> Any:
    """Return a metric that tells of facts how many there were and how long they took."""

    def metric(book: Book, window: Window) -> Iterator[Row]:
        for cell, here in placed(book, window, facts(book, window)):
            yield cell.row(**{f"{name}_count": len(here)}, **durations(window, here))

    return metric


def durations(window: Window, facts: list[Fact]) -> Row:
    """Return the columns of a metric of times; outside gaps none of them is uncertain."""
    in_hours = [one.open_seconds(window) for one in facts]
    return {
        **spread([one.seconds for one in facts]),
        "p50_bh_s": percentile(in_hours, 0.5),
        "p90_bh_s": percentile(in_hours, 0.9),
        "mean_bh_s": mean(in_hours),
        "uncertain_count": 0,
    }
