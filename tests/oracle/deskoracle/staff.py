"""The metrics of what agents got, wrote, closed, and how fast they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from deskoracle.book import Book, Session, Stretch
from deskoracle.counts import closed, ended_assignments, own_words
from deskoracle.endings import is_reopened
from deskoracle.facts import Cell, Fact, placed
from deskoracle.load import available, focus_ms, known
from deskoracle.talk import begun_turns, messages, ratings
from deskoracle.times import active_ms, responses, three
from deskoracle.waits import MINUTE, handovers
from deskoracle.window import HOUR, Row, Window, length, mean, overlap, percentile, share


def by_agent(
    book: Book, window: Window, kinds: dict[str, list[Fact]]
) -> Iterator[tuple[Cell, str, dict[str, list[Fact]]]]:
    """Yield each cell and agent with anything in it, and his facts of each kind."""
    facts = [
        Fact(one.session, one.at, agent=one.agent, what=(kind, one))
        for kind, listed in kinds.items()
        for one in listed
        if one.agent in book.agents
    ]
    for cell, here in placed(book, window, facts):
        doings: dict[str, dict[str, list[Fact]]] = defaultdict(lambda: {kind: [] for kind in kinds})
        for one in here:
            kind, fact = one.what
            doings[one.agent or ""][kind].append(fact)
        for agent, his in sorted(doings.items()):
            yield cell, agent, his


def row(book: Book, cell: Cell, agent: str, **figures: object) -> Row:
    """Return an agent's row."""
    return cell.row(agent_id=agent, agent_name=book.agents[agent], **figures)


def got_chats(book: Book) -> list[Fact]:
    """Return the chats that agents got; a fact's `what` tells whether they answered.

    What an agent is given again within a minute is still the same chat got.
    """
    found = []
    for session in book.sessions:
        for got in _merged(session):
            is_answered = any(own_words(session, one) for one in got)
            found.append(Fact(session, got[0].since, agent=got[0].what, what=is_answered))
    return found


def _merged(session: Session) -> list[list[Stretch]]:
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


def agent_chats(book: Book, window: Window) -> Iterator[Row]:
    """What each agent got, answered, missed, passed on and closed."""
    passed = [(session, one) for session in book.sessions for one in handovers(session)]
    kinds = {
        "got": got_chats(book),
        "missed": [one for one in ended_assignments(book) if one.what],
        "closed": closed(book),
        "in": [Fact(session, one.at, agent=one.heir.what) for session, one in passed],
        "out": [Fact(session, one.at, agent=one.gone.what) for session, one in passed],
        "said": [one for one in messages(book) if one.what.role == "agent"],
    }
    for cell, agent, his in by_agent(book, window, kinds):
        answered = sum(one.what for one in his["got"])
        yield row(
            book,
            cell,
            agent,
            assigned_count=len(his["got"]),
            answered_count=answered,
            answered_ratio=share(answered, len(his["got"])),
            missed_count=len(his["missed"]),
            closed_count=len(his["closed"]),
            transferred_in_count=len(his["in"]),
            transferred_out_count=len(his["out"]),
            messages_count=len(his["said"]),
        )


def reactions(book: Book, _: Window) -> Iterator[Fact]:
    """Yield how long each agent who got a chat took to write in it, on live channels."""
    for session, one in book.assignments:
        if session.chat.is_live and (said := own_words(session, one)):
            yield Fact(session, said[0], one.since, said[0], one.what)


def agent_response(book: Book, window: Window) -> Iterator[Row]:
    """How fast each agent reacted and replied, on live channels."""
    kinds = {"reaction": list(reactions(book, window)), "response": list(responses(book, window))}
    for cell, agent, his in by_agent(book, window, kinds):
        figures: Row = {}
        for kind, facts in his.items():
            figures[f"{kind}_count"] = len(facts)
            figures |= three(kind, [one.seconds for one in facts])
            in_hours = [one.open_seconds(window) for one in facts]
            figures[f"{kind}_p50_bh_s"] = percentile(in_hours, 0.5)
        yield row(book, cell, agent, **figures)


def handled(book: Book, window: Window) -> Iterator[tuple[Fact, Row]]:
    """Yield each assignment that ended, and how long it took, counted in three ways."""
    focus = focus_ms(book, window)
    for session, one in book.assignments:
        if one.until is not None:
            said = [m.at for m in session.talk if one.since <= m.at <= one.until]
            yield (
                Fact(session, one.until, one.since, one.until, one.what),
                {
                    "elapsed": (one.until - one.since) / 1000,
                    "active": active_ms(said, one.until, window) / 1000,
                    "focus": focus[session, one] / 1000,
                },
            )


WAYS = ("elapsed", "active", "focus")


def agent_handle_time(book: Book, window: Window) -> Iterator[Row]:
    """How long each agent had a chat."""
    ended = [
        Fact(fact.session, fact.at, agent=fact.agent, what=ways)
        for fact, ways in handled(book, window)
    ]
    for cell, agent, his in by_agent(book, window, {"ended": ended}):
        figures: Row = {"handled_count": len(his["ended"])}
        for way in WAYS:
            figures |= three(way, [one.what[way] for one in his["ended"]])
        yield row(book, cell, agent, **figures)


def handle_time(book: Book, window: Window) -> Iterator[Row]:
    """How much of agents' time each closed chat took."""
    sums: dict[Session, Row] = {}
    for fact, ways in handled(book, window):
        so_far = sums.setdefault(fact.session, dict.fromkeys(WAYS, 0.0))
        sums[fact.session] = {way: so_far[way] + ways[way] for way in WAYS}
    done = [
        Fact(one.session, one.at, what=sums[one.session])
        for one in closed(book)
        if one.session in sums
    ]
    for cell, here in placed(book, window, done):
        figures: Row = {"handled_count": len(here)}
        for way in WAYS:
            figures |= three(way, [one.what[way] for one in here])
        yield cell.row(**figures)


def deferred_work(book: Book, window: Window) -> Iterator[Row]:
    """What came, and was worked, on channels where people answer when they can."""
    facts = [Fact(one, one.opened, what=None) for one in book.sessions]
    facts += [
        Fact(fact.session, fact.at, what=ways["active"]) for fact, ways in handled(book, window)
    ]
    deferred = [one for one in facts if not one.session.chat.is_live]
    for cell, here in placed(book, window, deferred):
        for channel in {one.session.chat.channel for one in here}:
            his = [one.what for one in here if one.session.chat.channel == channel]
            active = [seconds for seconds in his if seconds is not None]
            yield cell.row(
                channel=channel,
                sessions_count=len(his) - len(active),
                assignments_count=len(active),
                active_s=float(sum(active)),
            )


def agent_productivity(book: Book, window: Window) -> Iterator[Row]:
    """How many chats each agent answered in an hour of availability, in covered time."""
    got = [
        one
        for one in got_chats(book)
        if one.what and any(since <= one.at < until for since, until in window.covered)
    ]
    answered = {
        (cell.period, cell.slice, agent): len(his["got"])
        for cell, agent, his in by_agent(book, window, {"got": got})
    }
    for cell, _ in placed(book, window, []):
        covered = window.covered_spans(cell.period.spans)
        for agent in sorted(book.agents):
            hours = length(overlap(available(book, window, agent), covered)) / HOUR
            count = answered.get((cell.period, cell.slice, agent), 0)
            if count or overlap(known(book, window, agent), covered):
                yield row(
                    book,
                    cell,
                    agent,
                    answered_count=count,
                    available_h=hours,
                    chats_per_available_h=share(count, hours),
                )


def agent_closes(book: Book, window: Window) -> Iterator[Row]:
    """What each agent closed, and how much of that came back."""
    for cell, agent, his in by_agent(book, window, {"closed": closed(book)}):
        again = sum(is_reopened(one.session) for one in his["closed"])
        yield row(
            book,
            cell,
            agent,
            closed_count=len(his["closed"]),
            reopened_count=again,
            reopened_ratio=share(again, len(his["closed"])),
        )


def agent_satisfaction(book: Book, window: Window) -> Iterator[Row]:
    """How the chats were rated in which each agent had the last word."""
    for cell, agent, his in by_agent(book, window, {"rated": ratings(book)}):
        stars = [one.what for one in his["rated"]]
        yield row(
            book,
            cell,
            agent,
            rated_count=len(stars),
            mean_rating=mean(stars),
            good_ratio=mean(rating >= 4 for rating in stars),
        )


def agent_messages(book: Book, window: Window) -> Iterator[Row]:
    """How much each agent wrote."""
    notes = [
        Fact(session, one.at, agent=one.sender)
        for session in book.sessions
        for one in session.messages
        if one.role == "agent" and not one.is_counted
    ]
    kinds = {
        "said": [one for one in messages(book) if one.what.role == "agent"],
        "turns": [one for one in begun_turns(book) if one.what.role == "agent"],
        "notes": notes,
    }
    for cell, agent, his in by_agent(book, window, kinds):
        yield row(
            book,
            cell,
            agent,
            messages_count=len(his["said"]),
            characters_count=sum(one.what.length for one in his["said"]),
            turns_count=len(his["turns"]),
            notes_count=len(his["notes"]),
        )
