"""The shapes of the server's documents, in each of the forms in which frames carry them.

Pure functions from a chat's state to JSON values; key sets are those of recorded frames. What
changes a state, and when, is not told here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass
class Chat:
    """One conversation as the server's database holds it.

    `fields` are the request's own; the rest is what other collections hold and what the
    server stored of it when the chat was created or last routed.
    """

    fields: Document
    requester: Document
    lead: Document
    department: Document
    available_agents: int = 0
    eligible: list[str] = field(default_factory=list)
    agents: dict[str, Document] = field(default_factory=dict)
    """The user documents of those in `participantsAgents`, by user id."""
    bots: dict[str, Document] = field(default_factory=dict)
    messages: list[Document] = field(default_factory=list)
    session: int = 0
    is_published: bool = False
    is_kept: bool = False
    """Whether memory must not forget it: it will be opened again."""
    updated_ms: int = 0
    created_ms: int = 0
    written_ms: int = 0
    """When the last message was stored."""

    @property
    def request_id(self) -> str:
        """The business key, which topics and messages carry."""
        return str(self.fields["request_id"])

    @property
    def status(self) -> int:
        """100 unassigned, 150 abandoned by agents, 200 assigned, 1000 closed, 50 not begun."""
        return int(self.fields["status"])

    @property
    def is_pending(self) -> bool:
        """Whether an agent has set it aside."""
        return self.fields.get("workingStatus") == "pending"

    @property
    def is_open(self) -> bool:
        """Whether it is neither closed nor still invisible."""
        return 50 < self.status < 1000


def agent(member: Document, user: Document, *, live: bool) -> Document:
    """Return a project member: `id_user` is an object in an UPDATE, a string in a snapshot."""
    who = {key: user[key] for key in ("_id", "firstname", "lastname")} if live else user["_id"]
    return {key: who if key == "id_user" else value for key, value in member.items()}


def create(chat: Chat) -> Document:
    """Return the request as its live CREATE carries it (and, later, a single-request snapshot)."""
    return chat.fields | {
        "requester": chat.requester | _virtuals(chat.requester, isAuthenticated=False),
        "lead": chat.lead,
        "department": chat.department | _virtuals(chat.department, hasBot=_has_bot(chat)),
        "snapshot": _snapshot(chat, virtuals=True) | {"agents": []},
        **_relations(chat),
    }


def update(chat: Chat) -> Document:
    """Return the request as a live UPDATE carries it: populated, `snapshot` cut down."""
    return chat.fields | {
        "requester": chat.requester,
        "lead": chat.lead,
        "department": chat.department,
        **_relations(chat),
        "snapshot": {"agents": _eligible(chat)},
    }


def single(chat: Chat) -> Document:
    """Return the request as `/P/requests/RID` answers."""
    document = create(chat)
    document["snapshot"]["agents"] = _eligible(chat)
    return document


def row(chat: Chat) -> Document:
    """Return the request as an element of the project's snapshot: ids instead of objects."""
    snapshot = _snapshot(chat, virtuals=False)
    snapshot["requester"] = snapshot["requester"] | {"isAuthenticated": False}
    return chat.fields | {
        "requester": chat.requester["_id"],
        "lead": chat.lead["_id"],
        "department": chat.department["_id"],
        "snapshot": snapshot | {"agents": _eligible(chat)},
        "id": chat.fields["_id"],
        "requester_id": chat.lead["_id"],
    }


def nested(chat: Chat) -> Document:
    """Return the request as live messages carry it."""
    return chat.fields | {
        "requester": chat.requester,
        "lead": chat.lead,
        "department": chat.department,
        "snapshot": _snapshot(chat, virtuals=False),
        "participatingBots": list(chat.bots.values()),
        "participatingAgents": list(chat.agents.values()),
    }


def depopulated(request: Document) -> Document:
    """Return a live request in the form of a snapshot row."""
    return request | {
        name: request[name]["_id"]
        for name in ("requester", "lead", "department")
        if isinstance(request.get(name), dict) and "_id" in request[name]
    }


def _relations(chat: Chat) -> Document:
    return {
        "requester_id": chat.lead["_id"],
        "participatingAgents": list(chat.agents.values()),
        "participatingBots": list(chat.bots.values()),
        "id": chat.fields["_id"],
    }


def _snapshot(chat: Chat, *, virtuals: bool) -> Document:
    department, requester = chat.department, chat.requester
    if virtuals:
        department = department | _virtuals(department, hasBot=_has_bot(chat))
        requester = requester | _virtuals(requester, isAuthenticated=False)
    return {
        "department": department,
        "availableAgentsCount": chat.available_agents,
        "requester": requester,
        "lead": chat.lead,
    }


def _virtuals(document: Document, **virtuals: bool) -> Document:
    return virtuals | {"id": document["_id"]}


def _has_bot(chat: Chat) -> bool:
    return "id_bot" in chat.department


def _eligible(chat: Chat) -> list[Document]:
    return [{"id_user": user_id} for user_id in chat.eligible]
