"""The truth of one desk, read from its JSON lines, as far as a recorder can know it.

Left out: chats that never left preflight; tests of the bot designer (they have a list of their
own, for the one metric that counts them); messages written when nobody followed the chat: a
minute after a close, unless it was opened again, which brings them back; how an agent was before
a frame named him, but for the state that he was in then; and whatever came after the last
partition that a report reads. Instants are milliseconds since 1970.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Fact = dict[str, Any]
UNFOLLOWED_MS = 60_000


@dataclass(frozen=True)
class Stretch:
    """From when to when something was so; null while it lasts. `what` is an agent, or a status."""

    what: Any
    since: int
    until: int | None

    def holds(self, at: int) -> bool:
        """Tell whether it was so just before an instant."""
        return self.since < at and (self.until is None or self.until >= at)


@dataclass(frozen=True)
class Message:
    """Something written in a chat."""

    at: int
    id: str
    sender: str
    role: str
    is_counted: bool
    """Part of the talk: not the system's, no info, no private note."""


@dataclass
class Session:
    """A chat from an opening to a close."""

    chat: Chat
    number: int
    opened: int
    closed: int | None
    closed_by: str | None
    is_told: bool
    close_seen: int | None
    messages: list[Message] = field(default_factory=list)
    assignments: list[Stretch] = field(default_factory=list)
    bots: list[Stretch] = field(default_factory=list)

    @property
    def talk(self) -> list[Message]:
        """What counts and was written before the close, in order."""
        return [
            m for m in self.messages if m.is_counted and not (self.closed and m.at > self.closed)
        ]


@dataclass
class Chat:
    """A conversation that counts."""

    id: str
    created: int
    channel: str
    lead: str
    is_proactive: bool
    is_routed: bool
    waiting_ms: int | None
    sessions: list[Session] = field(default_factory=list)
    statuses: list[Stretch] = field(default_factory=list)
    departments: list[Stretch] = field(default_factory=list)
    rating: tuple[int, int] | None = None
    """When, and how many stars."""

    @property
    def is_offline(self) -> bool:
        """E-mails and forms, and what the routing leaves alone."""
        return self.channel in {"email", "form"} or not self.is_routed

    @property
    def is_live(self) -> bool:
        """Neither offline nor one of the channels in which people answer when they like."""
        is_async = self.channel in {"whatsapp", "telegram", "messenger"}
        return not self.is_offline and not is_async and not self.channel.startswith("sms")

    @property
    def closed(self) -> int | None:
        """The newest closing time that the server told."""
        return max((one.closed or 0 for one in self.sessions if one.is_told), default=None)

    def session_at(self, at: int) -> Session:
        """Return the session in or after which an instant lies."""
        return [one for one in self.sessions if one.number == 1 or one.opened <= at][-1]


@dataclass
class Book:
    """One desk's chats and agents."""

    chats: dict[str, Chat]
    drafts: list[int]
    """When tests of the bot designer were created."""
    agents: dict[str, str]
    """Names by id."""
    availability: dict[str, list[Stretch]]

    @property
    def sessions(self) -> list[Session]:
        """Every session of every chat."""
        return [session for chat in self.chats.values() for session in chat.sessions]

    def without(self, chats: set[str]) -> Book:
        """Return the book in which some chats never were."""
        left = {name: chat for name, chat in self.chats.items() if name not in chats}
        return replace(self, chats=left)


def instant(text: str) -> int:
    """Read a time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


_BEGINS = {
    "chat": "published_at",
    "message": "created_at",
    "rating": "at",
    "session": "opened_at",
    "status": "since",
    "department": "since",
    "assignment": "since",
    "bot": "since",
    "availability": "since",
}
_ENDS = ("until", "close_seen_at", "closed_at")


def read(lines: Iterable[str], last: str = "9999-12-31T00:00:00.000Z") -> Book:
    """Read the truth as it was known at an instant."""
    facts: dict[str, list[Fact]] = defaultdict(list)
    for line in lines:
        fact = json.loads(line)
        kind = fact["kind"]
        begins = fact[_BEGINS[kind]] if kind in _BEGINS else ""
        if begins is not None and begins <= last:
            facts[kind].append(fact if kind == "document" else _as_of(fact, last))
    chats = _chats(facts)
    _add_sessions(chats, facts["session"])
    _add_stretches(chats, facts)
    _add_messages(chats, facts["message"])
    for one in facts["rating"]:
        if one["request_id"] in chats:
            chats[one["request_id"]].rating = (instant(one["at"]), one["rating"])
    drafts = [one for one in facts["chat"] if one["draft"]]
    names = {one["agent_id"]: one["name"] for one in facts["agent"]}
    return Book(chats, [instant(one["created_at"]) for one in drafts], names, _availability(facts))


def _as_of(fact: Fact, last: str) -> Fact:
    """Return an interval as it was known at an instant: what ended later had not ended."""
    later = [name for name in _ENDS if fact.get(name) is not None and fact[name] > last]
    if "closed_at" in later:
        later.append("closed_by")
    return fact | dict.fromkeys(later)


def _maybe(text: str | None) -> int | None:
    return None if text is None else instant(text)


def _chats(facts: dict[str, list[Fact]]) -> dict[str, Chat]:
    waiting = {one["request_id"]: one["waiting_time"] for one in facts["document"]}
    return {
        one["request_id"]: Chat(
            one["request_id"],
            instant(one["created_at"]),
            one["channel"],
            one["lead_id"],
            one["proactive"],
            one["smart_assignment"],
            waiting[one["request_id"]],
        )
        for one in facts["chat"]
        if not one["draft"]
    }


def _add_sessions(chats: dict[str, Chat], facts: list[Fact]) -> None:
    for one in sorted(facts, key=lambda one: one["n"]):
        if chat := chats.get(one["request_id"]):
            seen, told = _maybe(one["close_seen_at"]), _maybe(one["closed_at"])
            session = Session(
                chat,
                one["n"],
                instant(one["opened_at"]),
                told or seen,
                one["closed_by"],
                told is not None,
                seen,
            )
            chat.sessions.append(session)


def _availability(facts: dict[str, list[Fact]]) -> dict[str, list[Stretch]]:
    """Return how each agent was, from the state on in which he first got a chat."""
    named: dict[str, int] = {}
    for one in facts["assignment"]:
        at = instant(one["since"])
        named[one["agent_id"]] = min(at, named.get(one["agent_id"], at))
    known: dict[str, list[Stretch]] = defaultdict(list)
    for one in facts["availability"]:
        stretch = _stretch(one, "available")
        if one["agent_id"] in named and (
            stretch.until is None or stretch.until > named[one["agent_id"]]
        ):
            known[one["agent_id"]].append(stretch)
    return known


def _stretch(fact: Fact, what: str) -> Stretch:
    return Stretch(fact[what], instant(fact["since"]), _maybe(fact["until"]))


def _add_stretches(chats: dict[str, Chat], facts: dict[str, list[Fact]]) -> None:
    for kind, what in (("status", "status"), ("department", "department_id")):
        for one in facts[kind]:
            if chat := chats.get(one["request_id"]):
                stretches = chat.statuses if kind == "status" else chat.departments
                stretches.append(_stretch(one, what))
    for kind, what in (("assignment", "agent_id"), ("bot", "bot_id")):
        for one in facts[kind]:
            if chat := chats.get(one["request_id"]):
                session = chat.sessions[one["session"] - 1]
                stretches = session.assignments if kind == "assignment" else session.bots
                stretches.append(_stretch(one, what))
    for chat in chats.values():
        chat.statuses.sort(key=lambda one: one.since)
        chat.departments.sort(key=lambda one: one.since)
        for session in chat.sessions:
            session.assignments.sort(key=lambda one: (one.since, one.what))


def _add_messages(chats: dict[str, Chat], facts: list[Fact]) -> None:
    for one in sorted(facts, key=lambda one: (one["created_at"], one["id"])):
        chat = chats.get(one["request_id"])
        if chat is None:
            continue
        at, role, subtype = instant(one["created_at"]), one["role"], one["subtype"] or ""
        is_aside = subtype.startswith("info") or subtype == "private"
        session = chat.session_at(at)
        if _is_received(session, at):
            is_counted = role != "system" and not is_aside
            session.messages.append(Message(at, one["id"], one["sender"], role, is_counted))


def _is_received(session: Session, at: int) -> bool:
    """Tell whether a message was written while the chat was followed, or was read later on."""
    is_last = session is session.chat.sessions[-1]
    return not is_last or session.close_seen is None or at <= session.close_seen + UNFOLLOWED_MS
