"""The server without its socket: connections, subscriptions, snapshots, permissions, heartbeats.

It knows how the real server answers and whom it delivers to. It reads no clock (every call is
told the time, in milliseconds of any clock that runs forward), opens no socket and invents
nothing: what a snapshot holds comes from a `Source`, what happens is told to `publish`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

import msgspec

Document = dict[str, Any]

HEARTBEAT_MS = 30_000
OPEN_REQUESTS_CAP = 100
MESSAGES_CAP = 300
_LONE = re.compile("[\ud800-\udfff]")
OWNER = None
"""The viewer that may see everything; any other viewer is an agent's user id."""


class Source(Protocol):
    """What one project's server holds, in the forms in which snapshots show it."""

    def open_requests(self) -> Iterable[Document]:
        """Yield a snapshot row of every request that may be listed (the hub sorts and caps)."""

    def request(self, request_id: str) -> Document | None:
        """Return one request, closed ones too, or nothing if there is none."""

    def messages(self, request_id: str) -> list[Document] | None:
        """Return a request's messages, oldest first, or nothing if there is no such request."""

    def agent(self, user_id: str) -> Document | None:
        """Return an agent in snapshot form (`id_user` a string)."""

    def bot(self, bot_id: str) -> Document | None:
        """Return a bot."""


class _Refused(Exception):
    """A subscription that the real server answers with silence."""


def is_listed(request: Document) -> bool:
    """Tell whether the snapshot of a project's requests may hold this one."""
    return (
        50 < request["status"] < 1000
        and request["status"] != 150
        and not request["preflight"]
        and not request.get("draft")
    )


def sees(request: Document, viewer: str | None) -> bool:
    """Tell whether a viewer's snapshots may show a request."""
    if viewer is OWNER:
        return True
    eligible = (request.get("snapshot") or {}).get("agents") or ()
    return viewer in request["participants"] or any(a["id_user"] == viewer for a in eligible)


def encode(value: object) -> str:
    """Write JSON as the server does: no spaces, no escapes that are not needed."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a character has no UTF-8 of its own: escape it
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _LONE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def publication(topic: str, method: str | None, message: object) -> str:
    """Return the frame that carries a message; without a method it is another client's."""
    payload = {"topic": topic} | ({"method": method} if method else {}) | {"message": message}
    return encode({"action": "publish", "payload": payload})


def heartbeat(text: str) -> str:
    """Return a heartbeat frame: `ping` or `pong`."""
    return encode({"action": "heartbeat", "payload": {"message": {"text": text}}})


class Hub:
    """All connections of one server, and the projects that it serves."""

    def __init__(self, refused: re.Pattern[str] | None = None) -> None:
        self._sources: dict[str, Source] = {}
        self._subscribers: dict[str, dict[Connection, None]] = {}
        self._refused = refused
        self._connections = 0

    def serve(self, project_id: str, source: Source) -> None:
        """Let connections subscribe to a project."""
        self._sources[project_id] = source

    def connect(self, at_ms: int, viewer: str | None = OWNER) -> Connection:
        """Accept a client whose token was good."""
        self._connections += 1
        return Connection(self, self._connections, at_ms, viewer)

    def is_followed(self, topic: str) -> bool:
        """Tell whether anybody is subscribed to a topic."""
        return topic in self._subscribers

    def publish(self, topic: str, method: str | None, message: object) -> int:
        """Deliver a message to a topic's subscribers; return how many there were."""
        if topic not in self._subscribers:
            return 0
        return self.deliver(topic, publication(topic, method, message))

    def deliver(self, topic: str, frame: str, but: Connection | None = None) -> int:
        """Deliver a frame, as it is, to a topic's subscribers."""
        receivers = [one for one in self._subscribers.get(topic, ()) if one is not but]
        for connection in receivers:
            connection.send(frame)
        return len(receivers)

    def subscribe(self, topic: str, connection: Connection) -> None:
        """Register a subscription and send its snapshot; a refused one is met with silence."""
        try:
            snapshot = self._snapshot(topic, connection.viewer)
        except _Refused:
            return
        self.register(topic, connection)
        connection.send(publication(topic, "CREATE", snapshot))

    def register(self, topic: str, connection: Connection) -> None:
        """Deliver a topic to a connection from now on, once however often it is asked for."""
        self._subscribers.setdefault(topic, {})[connection] = None
        connection.topics.add(topic)

    def unsubscribe(self, topic: str, connection: Connection) -> None:
        """Forget a subscription; an unknown one is no error."""
        connection.topics.discard(topic)
        subscribers = self._subscribers.get(topic, {})
        subscribers.pop(connection, None)
        if not subscribers:
            self._subscribers.pop(topic, None)

    def _snapshot(self, topic: str, viewer: str | None) -> object:
        """Return what the server's dispatcher answers, which looks only at parts of the path."""
        parts = topic.split("/")
        project = parts[1] if len(parts) > 1 else ""
        source = self._sources.get(project)
        if source is None or parts[0] or (self._refused and self._refused.search(topic)):
            raise _Refused(topic)
        key = parts[3] if len(parts) > 3 else ""
        if topic.endswith("/messages"):
            return _messages(source, key, viewer)
        if topic.endswith("/requests"):
            return newest_open(source.open_requests(), viewer)
        if "/project_users/users/" in topic:
            return _known(source.agent(parts[4] if len(parts) > 4 else ""))
        if "/project_users/" in topic:
            raise _Refused(topic)  # only the connected user's own record is open to him
        if "/events/" in topic:
            return []
        if "/bots/" in topic:
            return source.bot(key)
        request = source.request(key)
        return request if request and sees(request, viewer) else None


def newest_open(requests: Iterable[Document], viewer: str | None = OWNER) -> list[Document]:
    """Return the rows of a project's snapshot: listed, visible, newest first, capped."""
    rows = [row for row in requests if is_listed(row) and sees(row, viewer)]
    rows.sort(key=lambda row: str(row["updatedAt"]), reverse=True)
    return rows[:OPEN_REQUESTS_CAP]


def _messages(source: Source, request_id: str, viewer: str | None) -> list[Document]:
    request = _known(source.request(request_id))
    if not sees(request, viewer):
        raise _Refused(request_id)
    return (source.messages(request_id) or [])[:MESSAGES_CAP]


def _known(document: Document | None) -> Document:
    if document is None:
        raise _Refused
    return document


class Connection:
    """One client: what it follows, what is to be sent to it, and whether it still lives."""

    def __init__(self, hub: Hub, number: int, at_ms: int, viewer: str | None) -> None:
        self.number = number
        self.viewer = viewer
        self.topics: set[str] = set()
        self.is_closed = False
        self._hub = hub
        self._outbox: list[str] = []
        self._next_beat = at_ms + HEARTBEAT_MS
        self._alive = True

    def send(self, frame: str) -> None:
        """Put a frame behind those that wait to be sent."""
        self._outbox.append(frame)

    def take(self) -> list[str]:
        """Return the frames to send now, in order, and forget them."""
        frames, self._outbox = self._outbox, []
        return frames

    def receive(self, frame: str | bytes) -> list[str]:
        """Do what a client's frame asks; return the frames to send now."""
        self._alive = True
        if isinstance(frame, str):
            try:
                asked = json.loads(frame)
            except ValueError:
                asked = None
            if isinstance(asked, dict):
                self._obey(asked)
        return self.take()

    def deadline(self) -> int:
        """Return when `tick` must be called next."""
        return self._next_beat

    def tick(self, at_ms: int) -> list[str]:
        """Ping, or give a silent client up (`is_closed`); return the frames to send now."""
        while self._next_beat <= at_ms and not self.is_closed:
            self._next_beat += HEARTBEAT_MS
            if self._alive:
                self._alive = False
                self.send(heartbeat("ping"))
            else:
                self.close()
        return self.take()

    def close(self) -> None:
        """Forget the client and everything that waits for it."""
        for topic in tuple(self.topics):
            self._hub.unsubscribe(topic, self)
        self._outbox.clear()
        self.is_closed = True

    def _obey(self, asked: Document) -> None:
        payload = asked.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        topic = payload.get("topic")
        action = asked.get("action")
        if action == "heartbeat":
            message = payload.get("message")
            if isinstance(message, dict) and message.get("text") == "ping":
                self.send(heartbeat("pong"))
        elif action == "me":
            identity = str(uuid5(NAMESPACE_URL, f"connection/{self.number}"))
            self.send(encode({"action": "me", "payload": {"id": identity, "userId": None}}))
        elif isinstance(topic, str):
            self._obey_topic(action, topic, payload)

    def _obey_topic(self, action: object, topic: str, payload: Document) -> None:
        if action == "subscribe":
            self._hub.subscribe(topic, self)
        elif action == "unsubscribe":
            self._hub.unsubscribe(topic, self)
        elif action in ("publish", "broadcast"):  # nobody's right to do so is checked
            frame = publication(topic, None, payload.get("message"))
            self._hub.deliver(topic, frame, but=self if action == "broadcast" else None)
