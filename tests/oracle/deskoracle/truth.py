"""The truth of one desk, read from its JSON lines, as far as a recorder can know it.

Left out: chats that never left preflight; tests of the bot designer (they have a list of their
own, for the one metric that counts them); messages written when nobody followed the chat: a
minute after a close, unless it was opened again, which brings them back; how an agent was before
his last change that was over when a frame first named him; and whatever came after the last
partition that a report reads.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from deskoracle.book import Book, Chat, Message, Session, Stretch, merged

Fact = dict[str, Any]
Facts = dict[str, list[Fact]]
UNFOLLOWED_MS = 60_000
NO_LIMIT = -1

_BEGINS = {
    "chat": "published_at",
    "message": "created_at",
    "rating": "at",
    "tag": "at",
    "named": "at",
    "session": "opened_at",
    "status": "since",
    "working_status": "since",
    "department": "since",
    "assignment": "since",
    "bot": "since",
    "availability": "since",
    "presence": "since",
    "limit": "since",
}
_ENDS = ("until", "close_seen_at", "closed_at")
_OF_CHATS = {
    "status": ("status", "statuses"),
    "department": ("department_id", "departments"),
    "working_status": ("working_status", "working"),
}
_OF_SESSIONS = {"assignment": ("agent_id", "assignments"), "bot": ("bot_id", "bots")}


def instant(text: str) -> int:
    """Read a time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def read(lines: Iterable[str], first: int = 0, last: str = "9999-12-31T00:00:00.000Z") -> Book:
    """Read the truth as it was known at an instant, to who had not looked before another."""
    facts: Facts = defaultdict(list)
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
    _add_marks(chats, facts)
    for chat in chats.values():
        _forget(chat, first)
    drafts = [instant(one["created_at"]) for one in facts["chat"] if one["draft"]]
    names = {one["agent_id"]: one["name"] for one in facts["agent"]}
    departments = {one["department_id"]: one["department_name"] for one in facts["department"]}
    return Book(chats, drafts, names, departments, **_agents(facts))


def _as_of(fact: Fact, last: str) -> Fact:
    """Return an interval as it was known at an instant: what ended later had not ended."""
    later = [name for name in _ENDS if fact.get(name) is not None and fact[name] > last]
    if "closed_at" in later:
        later.append("closed_by")
    return fact | dict.fromkeys(later)


def _maybe(text: str | None) -> int | None:
    return None if text is None else instant(text)


def _chats(facts: Facts) -> dict[str, Chat]:
    documents = {one["request_id"]: one for one in facts["document"]}
    return {
        one["request_id"]: Chat(
            one["request_id"],
            instant(one["created_at"]),
            one["channel"],
            one["language"],
            one["lead_id"],
            one["proactive"],
            one["smart_assignment"],
            documents[one["request_id"]]["waiting_time"],
            _maybe(documents[one["request_id"]]["first_response_at"]),
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


def _agents(facts: Facts) -> dict[str, dict[str, list[Stretch]]]:
    """Return how each agent was, from his last change on before a frame first named him.

    Whoever asks for him then is told how he is, and when that was last changed.
    """
    named = {one["agent_id"]: instant(one["at"]) for one in facts["named"]}
    changes = [one for kind in ("availability", "presence", "limit") for one in facts[kind]]
    known: dict[str, int] = {}
    for one in changes:
        agent, at = one["agent_id"], instant(one["since"])
        if at <= named.get(agent, -1):
            known[agent] = max(at, known.get(agent, at))
    return {
        "availability": _of_agents(facts["availability"], known, ("available", "profile_status")),
        "presence": _of_agents(facts["presence"], known, "status"),
        "limits": _of_agents(facts["limit"], known, "chat_limit"),
    }


def _of_agents(
    facts: list[Fact], known: dict[str, int], what: str | tuple[str, ...]
) -> dict[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = defaultdict(list)
    for one in facts:
        since = known.get(one["agent_id"])
        stretch = _stretch(one, what)
        if since is not None and (stretch.until is None or stretch.until > since):
            found[one["agent_id"]].append(replace(stretch, since=max(stretch.since, since)))
    return {agent: merged(stretches) for agent, stretches in found.items()}


def _stretch(fact: Fact, what: str | tuple[str, ...]) -> Stretch:
    value = fact[what] if isinstance(what, str) else tuple(fact[one] for one in what)
    return Stretch(value, instant(fact["since"]), _maybe(fact["until"]))


def _add_stretches(chats: dict[str, Chat], facts: Facts) -> None:
    for kind, (what, where) in _OF_CHATS.items():
        for one in facts[kind]:
            if chat := chats.get(one["request_id"]):
                getattr(chat, where).append(_stretch(one, what))
    for kind, (what, where) in _OF_SESSIONS.items():
        for one in facts[kind]:
            if chat := chats.get(one["request_id"]):
                session = chat.sessions[one["session"] - 1]
                getattr(session, where).append(_in_session(session, _stretch(one, what)))
    for chat in chats.values():
        for stretches in (chat.statuses, chat.departments, chat.working):
            stretches.sort(key=lambda one: one.since)
        for session in chat.sessions:
            session.assignments.sort(key=lambda one: (one.since, one.what))


def _in_session(session: Session, stretch: Stretch) -> Stretch:
    """Return a stretch that lasts until the close, if it was the close that ended it."""
    is_last = stretch.until is not None and stretch.until == session.close_seen
    return replace(stretch, until=session.closed) if is_last else stretch


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
            message = Message(
                at,
                one["id"],
                one["sender"],
                role,
                is_counted,
                one["action"] == "\\agent",
                one["text_length"],
            )
            session.messages.append(message)


def _is_received(session: Session, at: int) -> bool:
    """Tell whether a message was written while the chat was followed, or was read later on."""
    is_last = session is session.chat.sessions[-1]
    return not is_last or session.close_seen is None or at <= session.close_seen + UNFOLLOWED_MS


def _add_marks(chats: dict[str, Chat], facts: Facts) -> None:
    for one in facts["rating"]:
        if one["request_id"] in chats:
            chats[one["request_id"]].rating = (instant(one["at"]), one["rating"])
    for one in facts["tag"]:
        if one["request_id"] in chats:
            chats[one["request_id"]].tags.add(one["tag"])


def _forget(chat: Chat, first: int) -> None:
    """Leave out what was over when a report begins to read.

    A chat that is opened again is followed again, which brings its messages back, but not when
    it opened, if nothing was heard of it before.
    """
    told = chat.rating[0] if chat.rating else 0
    for before, session in pairwise(chat.sessions):
        last = max(before.close_seen or 0, told if told < session.opened else 0)
        session.is_opening_seen = last >= first
    is_followed_again = any(one.number > 1 and one.opened >= first for one in chat.sessions)
    for session in chat.sessions:
        session.assignments = [one for one in session.assignments if _lasts(one, first)]
        session.bots = [one for one in session.bots if _lasts(one, first)]
        if not is_followed_again:
            session.messages = [one for one in session.messages if one.at >= first]
    chat.statuses = [one for one in chat.statuses if _lasts(one, first)]


def _lasts(stretch: Stretch, first: int) -> bool:
    return stretch.until is None or stretch.until >= first
