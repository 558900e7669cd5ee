"""Where a recording is played: a hub that answers as the recorded server did, where it did.

A subscription gets the recorded snapshot if one was recorded about now; any other gets one made
of the documents that have been played so far. What was refused then is refused now. No clock
and no socket: the player says what is played and where in the recording it stands.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from archiver.simulate import documents
from archiver.simulate.capture import Line
from archiver.simulate.hub import Connection, Document, Hub


class Played:
    """What one project's server has shown so far (a hub `Source`)."""

    def __init__(self) -> None:
        self._requests: dict[str, Document] = {}
        self._messages: dict[str, dict[str, Document]] = defaultdict(dict)
        self._agents: dict[str, Document] = {}

    def open_requests(self) -> Iterable[Document]:
        """Yield what is known of every request, as a snapshot's rows."""
        return (documents.depopulated(request) for request in self._requests.values())

    def request(self, request_id: str) -> Document | None:
        """Return what is known of a request."""
        return self._requests.get(request_id)

    def messages(self, request_id: str) -> list[Document] | None:
        """Return a request's messages, oldest first."""
        known = self._messages.get(request_id, {}).values()
        return sorted(known, key=lambda message: str(message["createdAt"]))

    def agent(self, user_id: str) -> Document | None:
        """Return an agent."""
        return self._agents.get(user_id)

    def bot(self, bot_id: str) -> Document | None:  # noqa: ARG002
        """Return nothing: recordings hold no bots."""
        return None

    def learn(self, topic: str, document: Document) -> None:
        """Remember a document that was sent."""
        if topic.endswith("/messages"):
            message = {key: value for key, value in document.items() if key != "request"}
            self._messages[document["recipient"]][document["_id"]] = message
            if isinstance(nested := document.get("request"), dict):
                self._learn_request(nested)
        elif "/project_users/" in topic:
            user = document["id_user"]
            user_id = user["_id"] if isinstance(user, dict) else user
            self._agents[user_id] = document | {"id_user": user_id}
        elif "request_id" in document:
            self._learn_request(document)

    def _learn_request(self, document: Document) -> None:
        known = self._requests.get(document["request_id"], {})
        if str(known.get("updatedAt", "")) > str(document["updatedAt"]):
            return
        fuller = {
            name: known[name]
            for name in ("requester", "lead", "department")
            if isinstance(document.get(name), str) and isinstance(known.get(name), dict)
        }
        snapshot = (known.get("snapshot") or {}) | (document.get("snapshot") or {})
        identity = {"id": document["_id"]} | {
            key: known[key] for key in ("requester_id",) if key in known
        }
        new = identity | document | fuller | {"snapshot": snapshot}
        self._requests[document["request_id"]] = new


class Stage(Hub):
    """A hub whose answers come from a recording."""

    def __init__(self, refused: set[str]) -> None:
        super().__init__()
        self._silent = refused
        self._projects: dict[str, Played] = {}
        self._coming: dict[str, deque[float]] = {}
        self._unused: dict[str, deque[str]] = defaultdict(deque)
        self._unanswered: dict[str, deque[Connection]] = defaultdict(deque)
        self._named: set[str] = set()
        self._soon = 0.0
        self.on_subscribe: Callable[[], None] = lambda: None

    def begin(self, lines: list[Line]) -> None:
        """Get ready for the lines of the next recorded connection."""
        self._coming = defaultdict(deque)
        self._unused.clear()
        self._unanswered.clear()
        for line in lines:
            if line.topic and (project := line.topic.split("/")[1]) not in self._projects:
                self._projects[project] = Played()
                self.serve(project, self._projects[project])
            if line.topic and line.is_snapshot:
                self._coming[line.topic].append(line.at)

    def look_ahead(self, until: float) -> None:
        """Say up to which recorded time a snapshot is near enough to wait for."""
        self._soon = until

    def subscribe(self, topic: str, connection: Connection) -> None:
        """Answer with the recorded snapshot, now or when it comes, or with one of our own."""
        if topic in self._silent:
            return
        coming = self._coming.get(topic)
        if unused := self._unused[topic]:
            self.register(topic, connection)
            connection.send(unused.popleft())
        elif coming and coming[0] <= self._soon:
            self.register(topic, connection)
            self._unanswered[topic].append(connection)
        else:
            super().subscribe(topic, connection)
        self.on_subscribe()

    def awaits(self, line: Line) -> bool:
        """Tell whether nobody is there yet to whom a line could go."""
        return line.topic is not None and not self.is_followed(line.topic)

    def is_named(self, topic: str) -> bool:
        """Tell whether something sent has named what a topic is about, so a client may ask."""
        return any(part in self._named for part in topic.split("/")[3:5])

    def play(self, line: Line, text: str) -> bool:
        """Send a line to whom it concerns; tell whether there was anybody."""
        topic = line.topic
        if topic is None:
            return False
        for document in _documents(text):
            self._projects[topic.split("/")[1]].learn(topic, document)
        if not line.is_snapshot:
            self._unused[topic].clear()
            is_sent = self.deliver(topic, text) > 0
        else:
            self._coming[topic].popleft()
            is_sent = self._answer(topic, text)
        if is_sent:
            self._named.update(_names(text))
        return is_sent

    def _answer(self, topic: str, text: str) -> bool:
        """Send a recorded snapshot to who waits for it, or keep it for who comes next."""
        waiting = self._unanswered[topic]
        while waiting:
            connection = waiting.popleft()
            if not connection.is_closed:
                connection.send(text)
                return True
        self._unused[topic].append(text)
        return False


def _documents(text: str) -> Iterator[Document]:
    payload = json.loads(text)["payload"]
    message = payload["message"]
    if payload.get("method"):
        yield from message if isinstance(message, list) else [message] if message else []


def _names(text: str) -> Iterator[str]:
    """Yield the ids by which a client learns of chats and agents."""
    for document in _documents(text):
        if "request_id" in document:
            yield document["request_id"]
            yield from document.get("participants", ())
