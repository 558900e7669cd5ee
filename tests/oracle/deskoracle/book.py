"""What is known of one desk: chats with their sessions, and agents. `truth.py` reads it.

Instants are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

ASYNC_CHANNELS = {"whatsapp", "telegram", "messenger"}
OFFLINE_CHANNELS = {"email", "form"}


@dataclass(frozen=True)
class Stretch:
    """From when to when something was so, null while it lasts: an agent, a status, a limit."""

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
    is_command: bool
    """A bot asks for an agent."""
    length: int


@dataclass(eq=False)
class Session:
    """A chat from an opening to a close."""

    chat: Chat
    number: int
    opened: int
    closed: int | None
    closed_by: str | None
    is_told: bool
    close_seen: int | None
    is_opening_seen: bool = True
    """Whether anything is known of the chat from before: else it may have opened earlier."""
    messages: list[Message] = field(default_factory=list)
    assignments: list[Stretch] = field(default_factory=list)
    bots: list[Stretch] = field(default_factory=list)

    @property
    def talk(self) -> list[Message]:
        """What counts and was written before the close, in order."""
        return [
            m for m in self.messages if m.is_counted and not (self.closed and m.at > self.closed)
        ]

    @property
    def next(self) -> Session | None:
        """The same chat, opened again."""
        later = self.chat.sessions[self.number :]
        return later[0] if later else None


@dataclass(eq=False)
class Chat:
    """A conversation that counts."""

    id: str
    created: int
    channel: str
    language: str
    lead: str
    is_proactive: bool
    is_routed: bool
    waiting_ms: int | None
    first_response: int | None
    sessions: list[Session] = field(default_factory=list)
    statuses: list[Stretch] = field(default_factory=list)
    departments: list[Stretch] = field(default_factory=list)
    working: list[Stretch] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    rating: tuple[int, int] | None = None
    """When, and how many stars."""

    @property
    def is_offline(self) -> bool:
        """E-mails and forms, and what the routing leaves alone."""
        return self.channel in OFFLINE_CHANNELS or not self.is_routed

    @property
    def is_live(self) -> bool:
        """Neither offline nor one of the channels in which people answer when they like."""
        is_async = self.channel in ASYNC_CHANNELS or self.channel.startswith("sms")
        return not self.is_offline and not is_async

    @property
    def closed(self) -> int | None:
        """The newest closing time that the server told."""
        return max((one.closed or 0 for one in self.sessions if one.is_told), default=None)

    @property
    def pending(self) -> list[Stretch]:
        """When an agent had set it aside."""
        return [one for one in self.working if one.what == "pending"]

    def session_at(self, at: int) -> Session:
        """Return the session in or after which an instant lies."""
        return [one for one in self.sessions if one.number == 1 or one.opened <= at][-1]


@dataclass(eq=False)
class Book:
    """One desk's chats and agents."""

    chats: dict[str, Chat]
    drafts: list[int]
    """When tests of the bot designer were created."""
    agents: dict[str, str]
    """Names by id."""
    departments: dict[str, str]
    """Names by id."""
    availability: dict[str, list[Stretch]]
    """By agent, as what follows: whether he is available, and what his profile says."""
    presence: dict[str, list[Stretch]]
    limits: dict[str, list[Stretch]]

    @property
    def sessions(self) -> list[Session]:
        """Every session of every chat."""
        return [session for chat in self.chats.values() for session in chat.sessions]

    @property
    def assignments(self) -> Iterator[tuple[Session, Stretch]]:
        """Every agent's stretch in every session."""
        return ((one, stretch) for one in self.sessions for stretch in one.assignments)

    def without(self, chats: set[str]) -> Book:
        """Return the book in which some chats never were."""
        left = {name: chat for name, chat in self.chats.items() if name not in chats}
        return replace(self, chats=left)


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return stretches in order, those of the same that follow at once made one."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: one.since):
        if found and found[-1].what == one.what and found[-1].until == one.since:
            found[-1] = replace(found[-1], until=one.until)
        else:
            found.append(one)
    return found
