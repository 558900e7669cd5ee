"""What a recorder knows of each project: open chats, closes without details, agents. Pure.

It is learnt from frames alone, so it can be rebuilt from the journal, and it survives a restart
in the journal's state. It decides nothing: what to follow is the protocol's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from archiver.extract import read_time
from archiver.frames import Frame, elements, read_value

CLOSED = 1000
TEMPORARY = 50

# The close frame's `updatedAt` may be a little later than the `closed_at` that belongs to it.
_SLACK = 1_000_000


class _Request(msgspec.Struct):
    request_id: Any = None
    status: Any = None
    draft: Any = None
    preflight: Any = None
    updatedAt: Any = None
    closed_at: Any = None
    participantsAgents: Any = None
    snapshot: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    attributes: Any = None
    request: _Request | None = None


_request = msgspec.json.Decoder(_Request)
_message = msgspec.json.Decoder(_Message)


@dataclass(slots=True)
class Chat:
    """A chat that is followed: open, or closed with or without its closing details seen.

    `closing` is the `updatedAt` of the first closed version (µs since 1970), None while open.
    """

    closing: int | None = None
    detailed: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether the chat is open."""
        return self.closing is None


@dataclass(slots=True)
class Project:
    """One project's followed chats by request id, and its agents by user id."""

    chats: dict[str, Chat] = field(default_factory=dict)
    agents: dict[str, None] = field(default_factory=dict)


class Memory:
    """What is known of every project."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}

    def to_json(self) -> dict[str, Any]:
        """Return all that is known as plain JSON."""
        return {
            name: {
                "chats": {rid: [chat.closing, chat.detailed] for rid, chat in known.chats.items()},
                "agents": list(known.agents),
            }
            for name, known in self.projects.items()
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Memory:
        """Return the memory that `to_json` told."""
        memory = cls()
        for name, known in state.items():
            chats = {rid: Chat(*chat) for rid, chat in known["chats"].items()}
            memory.projects[name] = Project(chats, dict.fromkeys(known["agents"]))
        return memory

    def project(self, name: str) -> Project:
        """Return what is known of a project, nothing at first."""
        known = self.projects.get(name)
        if known is None:
            known = self.projects[name] = Project()
        return known

    def learn(self, frame: Frame) -> list[str]:
        """Take a server's frame; return the ids of the chats that it told of."""
        about = frame.about
        if about is None or frame.method is None:
            return []
        known = self.project(about.project_id)
        if about.kind == "request":
            return [rid for text in elements(frame.message) for rid in _learn(known, text)]
        if about.kind == "message" and frame.message[:1] == b"{":
            _learn_close(known, frame.message)
        elif about.kind == "agent" and about.agent_id is not None:
            known.agents[about.agent_id] = None
        return []


def _learn(known: Project, text: bytes) -> Iterator[str]:
    try:
        request = _request.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    rid = request.request_id
    if not isinstance(rid, str) or not is_followable(rid) or type(request.status) is not int:
        return
    chat = known.chats.get(rid)
    _learn_agents(known, request.participantsAgents)
    if chat is None:  # who could take it, as it stood then: large, and told once is enough
        _learn_eligible(known, bytes(request.snapshot))
    if request.status == CLOSED:
        if chat is not None:
            _close(chat, request)
        elif not _detailed(request, read_time(request.updatedAt)):
            known.chats[rid] = Chat()
            _close(known.chats[rid], request)
    elif _is_visible(request) and not _is_stale(chat, request):
        known.chats[rid] = Chat()
    yield rid


def _is_visible(request: _Request) -> bool:
    """Tell whether an open chat will be heard of again: drafts and preflights may not."""
    return request.status > TEMPORARY and request.draft is not True and not request.preflight


def _is_stale(chat: Chat | None, request: _Request) -> bool:
    """Tell whether an open version is older than the close: updates may overtake each other."""
    moment = read_time(request.updatedAt)
    return (
        chat is not None
        and chat.closing is not None
        and (isinstance(moment, int) and moment <= chat.closing)
    )


def is_followable(name: str) -> bool:
    """Tell whether a name can stand in a topic as one of its parts."""
    return 0 < len(name) < 500 and "/" not in name and name.isprintable()


def _learn_agents(known: Project, people: Any) -> None:
    for agent in people if isinstance(people, list) else ():
        if isinstance(agent, str) and len(agent) == 24 and agent.isalnum():
            known.agents[agent] = None


def _learn_eligible(known: Project, text: bytes) -> None:
    snapshot = read_value(text)
    agents = snapshot.get("agents") if isinstance(snapshot, dict) else None
    if isinstance(agents, list):
        _learn_agents(known, [agent.get("id_user") for agent in agents if isinstance(agent, dict)])


def _close(chat: Chat, request: _Request) -> None:
    if chat.closing is None:
        moment = read_time(request.updatedAt)
        chat.closing = moment if isinstance(moment, int) else 0
    chat.detailed = chat.detailed or _detailed(request, chat.closing)


def _detailed(request: _Request, closing: Any) -> bool:
    """Tell whether `closed_at` is this close's: a reopened chat's close shows the old one."""
    closed = read_time(request.closed_at)
    return isinstance(closed, int) and isinstance(closing, int) and closed >= closing - _SLACK


def _learn_close(known: Project, text: bytes) -> None:
    if b"CHAT_CLOSED" not in text:
        return
    try:
        message = _message.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    request = message.request
    if request is None or not isinstance(request.request_id, str):
        return
    label = message.attributes.get("messagelabel") if isinstance(message.attributes, dict) else None
    chat = known.chats.get(request.request_id)
    if chat is None or chat.is_open or not isinstance(label, dict):
        return
    if label.get("key") == "CHAT_CLOSED" and _detailed(request, chat.closing):
        chat.detailed = True
