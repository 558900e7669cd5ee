"""How time was spent: who was available, had how many chats at once, waited, was connected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

from deskoracle.book import Book, Session, Stretch
from deskoracle.facts import Cell, cells, traits
from deskoracle.times import waits
from deskoracle.window import HOUR, Row, Span, Window, length, minus, overlap, share, union

FLAP_MS = 60_000
Level = tuple[int, int, int]
"""From when to when something was so many at once."""


def _span(one: Stretch, window: Window) -> Span:
    return one.since, window.now if one.until is None else one.until


def levels(spans: Iterable[Span]) -> list[Level]:
    """Return how many spans there are at once, from change to change."""
    steps: dict[int, int] = defaultdict(int)
    for since, until in spans:
        if since < until:
            steps[since] += 1
            steps[until] -= 1
    found, count, instants = [], 0, sorted(steps)
    for at, next_at in pairwise(instants):
        count += steps[at]
        if count:
            found.append((at, next_at, count))
    return found


def _within(found: list[Level], spans: list[Span]) -> list[Level]:
    return [
        (since, until, count)
        for begin, end, count in found
        for since, until in overlap([(begin, end)], spans)
    ]


@cache
def known(book: Book, window: Window, agent: str) -> list[Span]:
    """Return for when it is known how an agent was."""
    return union(_span(one, window) for one in book.availability.get(agent, []))


@cache
def available(book: Book, window: Window, agent: str) -> list[Span]:
    """Return when an agent was available."""
    return [_span(one, window) for one in book.availability.get(agent, []) if one.what[0]]


@cache
def at_work(book: Book, window: Window) -> dict[str, list[tuple[Session, Stretch, list[Span]]]]:
    """Return each agent's chats, and when he had them: not while they were set aside."""
    found = defaultdict(list)
    for session, one in book.assignments:
        aside = [_span(pending, window) for pending in session.chat.pending]
        found[one.what].append((session, one, minus([_span(one, window)], aside)))
    return found


def focus_ms(book: Book, window: Window) -> dict[tuple[Session, Stretch], float]:
    """Return how long each assignment took if an agent's chats share his time."""
    found = {}
    for chats in at_work(book, window).values():
        shared = levels(span for _, _, spans in chats for span in spans)
        for session, one, spans in chats:
            begin, end = _span(one, window)
            near = [level for level in shared if level[0] < end and level[1] > begin]
            found[session, one] = sum((b - a) / count for a, b, count in _within(near, spans))
    return found


def agent_load(book: Book, window: Window) -> Iterator[Row]:
    """How busy each agent was."""
    chats = {
        agent: levels(span for _, _, spans in his for span in spans)
        for agent, his in at_work(book, window).items()
    }
    for cell in cells(book, window):
        covered = window.covered_spans(cell.period.spans)
        for agent in sorted(book.agents):
            there = overlap(available(book, window, agent), covered)
            engaged = _within(chats.get(agent, []), covered)
            if engaged or overlap(known(book, window, agent), covered):
                figures = _load(book, window, agent, there, engaged, covered)
                yield cell.row(agent_id=agent, agent_name=book.agents[agent], **figures)


def _load(
    book: Book,
    window: Window,
    agent: str,
    there: list[Span],
    engaged: list[Level],
    covered: list[Span],
) -> Row:
    busy = [(since, until) for since, until, _ in engaged]
    both = overlap(there, busy)
    return {
        "available_s": length(there) / 1000,
        "engaged_s": length(busy) / 1000,
        "engaged_unavailable_s": (length(busy) - length(both)) / 1000,
        "idle_s": (length(there) - length(both)) / 1000,
        "occupancy_ratio": share(length(both), length(there)),
        "slot_use_ratio": _slot_use(book, window, agent, there, engaged),
        "concurrency_mean": share(_chat_ms(engaged), length(busy)),
        "concurrency_max": max((count for _, _, count in engaged), default=None),
        "concurrency_p90": _p90(engaged),
        "at_limit_s": _at_limit(book, window, agent, there, engaged, covered),
    }


def _chat_ms(found: list[Level]) -> int:
    return sum((until - since) * count for since, until, count in found)


def _p90(engaged: list[Level]) -> int | None:
    """Return the least number that was not exceeded for nine tenths of the time."""
    total = sum(until - since for since, until, _ in engaged)
    for number in sorted({count for _, _, count in engaged}):
        if 10 * sum(b - a for a, b, count in engaged if count <= number) >= 9 * total:
            return number
    return None


def limited(book: Book, window: Window, agent: str) -> list[tuple[Span, int]]:
    """Return when an agent was limited to how many chats: his own limit, else the project's."""
    own = book.limits.get(agent, [])
    return [
        (_span(one, window), limit)
        for one in own
        if (limit := window.targets.chats if one.what in (None, -1) else one.what) is not None
    ]


def _slot_use(
    book: Book, window: Window, agent: str, there: list[Span], engaged: list[Level]
) -> float | None:
    slots = chats = 0
    for span, limit in limited(book, window, agent):
        here = overlap(there, [span])
        slots += length(here) * limit
        chats += _chat_ms(_within(engaged, here))
    return share(chats, slots)


def _at_limit(
    book: Book,
    window: Window,
    agent: str,
    there: list[Span],
    engaged: list[Level],
    covered: list[Span],
) -> float | None:
    found = limited(book, window, agent)
    if not overlap([span for span, _ in found], covered):
        return None
    full = [
        part
        for span, limit in found
        for part in _within([one for one in engaged if one[2] >= limit], overlap(there, [span]))
    ]
    return sum(until - since for since, until, _ in full) / 1000


def agent_availability(book: Book, window: Window) -> Iterator[Row]:
    """For how long each agent was available, in covered time."""
    for cell in cells(book, window):
        covered = window.covered_spans(cell.period.spans)
        for agent in sorted(book.availability):
            sums = {"on": 0, "off": 0, "why": 0}
            for one in book.availability[agent]:
                is_on, why = one.what
                ms = length(overlap([_span(one, window)], covered))
                sums["on" if is_on else "off"] += ms
                sums["why"] += ms if why and not is_on else 0
            if sums["on"] or sums["off"]:
                yield cell.row(
                    agent_id=agent,
                    agent_name=book.agents[agent],
                    available_s=sums["on"] / 1000,
                    unavailable_s=sums["off"] / 1000,
                    busy_status_s=sums["why"] / 1000,
                )


def agent_presence(book: Book, window: Window) -> Iterator[Row]:
    """For how long each agent's socket was there."""
    told = {agent: _steady(book.presence.get(agent, [])) for agent in sorted(book.availability)}
    spans = {
        (agent, what): [_span(one, window) for one in stretches if one.what == what]
        for agent, stretches in told.items()
        for what in ("online", "offline")
    }
    for cell in cells(book, window):
        covered = window.covered_spans(cell.period.spans)
        for agent in told:
            on, off = (
                length(overlap(spans[agent, what], covered)) for what in ("online", "offline")
            )
            rest = length(overlap(known(book, window, agent), covered)) - on - off
            if on or off or rest:
                yield cell.row(
                    agent_id=agent,
                    agent_name=book.agents[agent],
                    online_s=on / 1000,
                    offline_s=off / 1000,
                    unknown_s=rest / 1000,
                )


def _steady(told: list[Stretch]) -> list[Stretch]:
    """Return presence without the moments for which a socket was lost."""
    inner = told[1:-1]
    flaps = [
        one
        for one in inner
        if one.what == "offline" and one.until is not None and one.until - one.since < FLAP_MS
    ]
    return [Stretch("online", one.since, one.until) if one in flaps else one for one in told]


def agent_day(book: Book, window: Window) -> Iterator[Row]:
    """When each agent's day began and ended, and how it went."""
    chats = at_work(book, window)
    for cell in cells(book, window):
        covered = window.covered_spans(cell.period.spans)
        for agent in sorted(book.availability):
            states = book.availability[agent]
            there = overlap(available(book, window, agent), covered)
            busy = [span for _, _, spans in chats.get(agent, []) for span in spans]
            idle = [until - since for since, until in minus(there, busy)]
            if overlap(known(book, window, agent), covered):
                yield cell.row(
                    agent_id=agent,
                    agent_name=book.agents[agent],
                    first_available_at=_utc(there[0][0]) if there else None,
                    last_available_at=_utc(there[-1][1]) if there else None,
                    changes_count=sum(map(cell.period.has, _changes(states, window))),
                    longest_idle_s=max(idle) / 1000 if idle else None,
                )


def _changes(states: list[Stretch], window: Window) -> list[int]:
    """Return when an agent is known to have changed: what came and went in a gap is not."""
    seen = [one for one in states if overlap([_span(one, window)], window.covered)]
    return [one.since for before, one in pairwise(seen) if one.what != before.what]


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None)


def bot_time(book: Book, window: Window) -> Iterator[Row]:
    """How long bots had chats, without a human."""
    spans = {}
    for session in book.sessions:
        bots = union(_span(one, window) for one in session.bots)
        spans[session] = minus(bots, [_span(one, window) for one in session.assignments])
    for cell, here, covered in _split(book, window, spans):
        seconds = sum(length(parts) for parts in here.values()) / 1000
        yield cell.row(
            bot_s=seconds if covered else None,
            chats_count=len({one.chat.id for one in here}) if covered else None,
        )


def queue_length(book: Book, window: Window) -> Iterator[Row]:
    """How many chats waited at once."""
    spans = {}
    for wait in waits(book):
        ends = [end for end in (wait.accepted, wait.session.closed, window.now) if end is not None]
        spans[wait.session] = [(wait.requested or 0, ends[0])]
    for cell, here, covered in _split(book, window, spans):
        waited = [parts[-1][1] - spans[one][0][0] for one, parts in here.items()]
        yield cell.row(
            **_at_once("queue", here, covered),
            wait_max_s=max(waited) / 1000 if waited else None,
        )


def chats_in_progress(book: Book, window: Window) -> Iterator[Row]:
    """How many chats agents had at once."""
    spans: dict[Session, list[Span]] = defaultdict(list)
    for chats in at_work(book, window).values():
        for session, _, parts in chats:
            spans[session] += parts
    spans = {session: union(parts) for session, parts in spans.items()}
    for cell, here, covered in _split(book, window, spans):
        yield cell.row(**_at_once("chats", here, covered))


def _at_once(name: str, here: dict[Session, list[Span]], covered: list[Span]) -> Row:
    found = levels(span for parts in here.values() for span in parts)
    most = max((count for _, _, count in found), default=0)
    return {
        f"{name}_mean": share(_chat_ms(found), length(covered)),
        f"{name}_max": most if covered else None,
    }


def _split(
    book: Book, window: Window, spans: dict[Session, list[Span]]
) -> Iterator[tuple[Cell, dict[Session, list[Span]], list[Span]]]:
    """Yield each cell with what of sessions' spans lies in it, and its covered time."""
    for cell in cells(book, window):
        covered = window.covered_spans(cell.period.spans)
        here = {}
        for session, parts in spans.items():
            if parts and parts[0][0] < cell.period.until and parts[-1][1] > cell.period.since:
                inside = overlap(overlap(parts, covered), _of_slice(book, window, session, cell))
                if inside:
                    here[session] = inside
        yield cell, here, covered


def _of_slice(book: Book, window: Window, session: Session, cell: Cell) -> list[Span]:
    """Return when a session belonged to a cell's slice."""
    by, ever = window.breakdown, [(0, window.now + HOUR)]
    if by is None or cell.period.bucket is not None:
        return ever
    if by == "department":
        edges = [one.since for one in session.chat.departments if one.since > session.opened]
        instants = [0, *edges, window.now + HOUR]
        return [
            (since, until)
            for since, until in pairwise(instants)
            if cell.slice in traits(book, session, by, max(since, session.opened))
        ]
    return ever if by != "agent" and cell.slice in traits(book, session, by) else []
