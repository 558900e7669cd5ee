"""Tells what rows mean in a line each: a new chat, a change of status, a gap. Pure.

Fed with the rows of the journal in their order, it remembers each chat's last state, so that it
can say what changed. It names nobody and quotes no message unless told to. Not for numbers:
those come from the archive, where nothing is folded away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any

from archiver.coverage import iso
from archiver.extract import EPOCH
from archiver.frames import read_value
from archiver.memory import CLOSED

STATUS = {50: "temporary", 100: "unassigned", 150: "abandoned", 200: "assigned", CLOSED: "closed"}
REMEMBERED = 20_000
_SHORT = 8

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `at` is the recorder's clock, in microseconds since 1970 UTC."""

    at: int
    recorder: str
    project_id: str
    kind: str
    what: str
    request_id: str | None = None
    agent_id: str | None = None
    text: str | None = None


@dataclass(slots=True)
class _Chat:
    """A chat as last told; `status` is None while it is only known to be open."""

    status: int | None = None
    participants: tuple[str, ...] = ()
    updated: int = 0
    rating: float | None = None
    lead: str | None = None
    agents: set[str] = field(default_factory=set)


class Narrator:
    """Turns rows into events."""

    def __init__(self, *, text: bool = False) -> None:
        self.text = text
        self._chats: dict[tuple[str, str, str], _Chat] = {}
        self._agents: dict[tuple[str, str, str], str] = {}
        self._staff: set[str] = set()

    def know(self, recorder: str, memory: dict[str, Any]) -> None:
        """Take what a recorder followed when its segment began: those chats are not new."""
        for project, known in memory.items():
            for rid in known.get("chats", {}):
                self._chats.setdefault((recorder, project, rid), _Chat())
            self._staff.update(known.get("agents", ()))

    def events(self, rows: Iterable[Row]) -> Iterator[Event]:
        """Yield what the rows tell; the rows of a frame stand together."""
        for _, same in groupby(rows, lambda row: (row["seq"], row["source"] == "recorder")):
            frame = list(same)
            first = frame[0]
            if first["source"] == "recorder":
                yield from filter(None, map(self._fact, frame))
            elif first["is_snapshot"] and first["kind"] in ("request", "message"):
                yield from self._snapshot(frame)
            else:
                yield from filter(None, map(self._entity, frame))

    def _event(self, row: Row, what: str, text: str | None = None) -> Event:
        return Event(
            row["received_at"],
            row["recorder"],
            row["project_id"],
            row["kind"],
            what,
            row.get("request_id"),
            row.get("agent_id"),
            text if self.text else None,
        )

    # The recording itself

    def _fact(self, row: Row) -> Event | None:
        facts = json.loads(row["payload"])
        what = _gap(facts) if row["kind"] == "gap" else _control(facts)
        return None if what is None else self._event(row, what)

    # What the server said

    def _snapshot(self, frame: list[Row]) -> Iterator[Event]:
        """Tell of a whole snapshot in a line, and of what has changed unseen in one each."""
        first = frame[0]
        told = [row for row in frame if row.get("entity_id") is not None]
        if first["kind"] == "message":
            yield self._event(first, f"followed, {_count(len(told), 'message')} so far")
            return
        if str(first["topic"]).endswith("/requests"):
            yield self._event(first | {"request_id": None}, _count(len(told), "open chat"))
        elif not told:
            yield self._event(first, "not to be seen (any more)")
        for row in told:
            known = self._chats.get(self._key(row))
            changes = self._changes(row)
            if known is not None and known.status is not None and changes:
                yield self._event(row, f"{', '.join(changes)} (seen afterwards)")

    def _entity(self, row: Row) -> Event | None:
        match row["kind"]:
            case "request":
                changes = ", ".join(self._changes(row)) or "updated"
                return self._event(row, changes, _names(row))
            case "message":
                return self._event(row, self._message(row), _quote(row))
            case "agent":
                return self._agent(row)
            case "unparsed":
                return self._event(row, f"{len(row['payload'])} characters that were not read")
            case "untrusted":
                return self._event(row, "published by another client, not the server")
        return self._event(row, "updated")

    def _key(self, row: Row) -> tuple[str, str, str]:
        return row["recorder"], row["project_id"], row.get("request_id") or ""

    def _changes(self, row: Row) -> list[str]:
        """Say what is new in a chat's version, and remember it; nothing of an older one."""
        key = self._key(row)
        updated, status = row.get("updated_at") or 0, row.get("status")
        participants = tuple(filter(None, row.get("participants") or ()))
        known = self._chats.pop(key, None)
        if known is not None and updated < known.updated:
            self._chats[key] = known
            return []
        was = known or _Chat()
        agents = was.agents.union(row.get("agents") or ())
        lead = row.get("lead_id") or was.lead
        self._chats[key] = _Chat(status, participants, updated, row.get("rating"), lead, agents)
        if len(self._chats) > REMEMBERED:
            del self._chats[next(iter(self._chats))]
        if was.status is None:
            first = STATUS.get(status or 0, f"status {status}")
            new = "new chat, " if known is None and status != CLOSED else ""
            return [new + first, *_moves((), participants)]
        return [*_turn(was, row), *_moves(was.participants, participants)]

    def _message(self, row: Row) -> str:
        sender = row.get("sender") or ""
        chat = self._chats.get(self._key(row), _Chat())
        role = self._role(sender, chat.lead or row.get("lead_id"), chat.agents)
        who = role if role == "system" else f"{role} {short(sender) or '–'}"
        parts = [row.get("message_label"), row.get("message_subtype")]
        if row.get("message_type") != "text":
            parts.append(row.get("message_type"))
        parts.append(row.get("message_action"))
        about = ", ".join(part for part in parts if part)
        return f"message by {who}" + (f" ({about})" if about else "")

    def _role(self, sender: str, lead: str | None, agents: set[str]) -> str:
        if sender == "system":
            return "system"
        if sender.startswith("bot_"):
            return "bot"
        if sender in agents or sender in self._staff:
            return "agent"
        return "visitor" if sender and sender == lead else "unknown"

    def _agent(self, row: Row) -> Event | None:
        """Tell of an agent's state, unless it is what was told before."""
        agent = row.get("agent_id") or ""
        self._staff.add(agent)
        key = row["recorder"], row["project_id"], agent
        state = _state(row)
        if self._agents.get(key) == state:
            return None
        self._agents[key] = state
        return self._event(row, state, _names(row))


def short(name: str) -> str:
    """Return the end of an id: enough to tell it from its neighbours."""
    prefix = "bot_" if name.startswith("bot_") else ""
    return prefix + name.removeprefix(prefix)[-_SHORT:]


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _turn(was: _Chat, row: Row) -> list[str]:
    status, rating = row.get("status"), row.get("rating")
    changes = []
    if status != was.status:
        before, after = (STATUS.get(one or 0, str(one)) for one in (was.status, status))
        changes.append(f"{before} → {after}")
    if rating is not None and rating != was.rating:
        changes.append(f"rated {rating:g}")
    return changes


def _moves(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    came = [f"+{short(one)}" for one in after if one not in before]
    went = [f"−{short(one)}" for one in before if one not in after]
    return [" ".join(came + went)] if came or went else []


def _state(row: Row) -> str:
    available = {True: "available", False: "not available"}.get(row.get("available"))  # type: ignore[arg-type]
    profile = row.get("profile_status")
    chats = row.get("assigned_count")
    return ", ".join(
        part
        for part in (
            available or "availability unknown",
            profile,
            "busy" if row.get("busy") else None,
            None if chats is None else _count(chats, "chat"),
            "disabled" if row.get("agent_state") == "disabled" else None,
        )
        if part
    )


def _control(facts: dict[str, Any]) -> str | None:
    match facts["control"]:
        case "connected":
            return f"connected, connection {facts['connection']}"
        case "disconnected":
            return f"disconnected, connection {facts['connection']}: {facts['why']}"
        case "refused":
            return f"refused {facts['topic']}"
        case "truncated":
            return f"the snapshot ends at {facts['size']}: {facts['topic']}"
    return None


def _gap(facts: dict[str, Any]) -> str:
    where = f" {facts['topic']}" if "topic" in facts else ""
    if facts["until"] is None:
        return f"gap began{where}: {facts['why']}"
    since, until = (datetime.fromisoformat(facts[edge]) for edge in ("since", "until"))
    return f"gap ended{where} after {(until - since).total_seconds():.1f} s: {facts['why']}"


def _names(row: Row) -> str | None:
    """Return the names that a row tells."""
    return ", ".join(person["name"] for person in row.get("agent_names") or ()) or None


def _quote(row: Row) -> str | None:
    """Return who wrote a message, and what."""
    message = read_value(row["payload"].encode())
    if not isinstance(message, dict):
        return None
    parts = [message.get("senderFullname"), message.get("text")]
    return ": ".join(part for part in parts if isinstance(part, str) and part) or None


def to_line(event: Event, zone: tzinfo | None = None, *, project: bool, recorder: bool) -> str:
    """Return an event as a line for people, in local time unless a zone is given.

    A server's characters that a terminal might obey are replaced.
    """
    moment = (EPOCH + timedelta(microseconds=event.at)).astimezone(zone)
    about = event.request_id or event.agent_id
    parts = [
        moment.isoformat(" ", "milliseconds")[:23],
        f"{event.recorder:8}" if recorder else None,
        event.project_id if project else None,
        f"{event.kind:9}",
        f"{short(about) if about else '–':{_SHORT}}",
        event.what,
        None if event.text is None else f"«{event.text}»",
    ]
    line = "  ".join(part for part in parts if part is not None)
    return "".join(char if char.isprintable() else "·" for char in line)


def to_json(event: Event) -> str:
    """Return an event as a line for programs."""
    facts = {name: value for name, value in asdict(event).items() if value is not None}
    return json.dumps(facts | {"at": iso(event.at)}, ensure_ascii=False)
