"""One project's requests: what snapshots show, how a change is stored, published and noted.

The parts that every operation of the server is made of (`service.py` has the operations). A
change becomes visible only by `publish`, and a fact only by what is told to the truth here.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from archiver.simulate import documents
from archiver.simulate.documents import Chat, Document
from archiver.simulate.hub import Hub
from archiver.simulate.messages import Sender, message_document
from archiver.simulate.opening import Opening, new_chat
from archiver.simulate.people import Agent, Department, ObjectIds, Staff
from archiver.simulate.roster import Roster
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import Timeline, iso
from archiver.simulate.truth import Truth


class Database(Roster):
    """The documents of one project (a hub `Source`)."""

    def __init__(
        self,
        settings: DeskSettings,
        staff: Staff,
        timeline: Timeline,
        hub: Hub,
        truth: Truth,
        rng: Random,
    ) -> None:
        super().__init__(settings, staff, timeline, hub, truth, rng)
        self._ids = ObjectIds(rng)
        self._chats: dict[str, Chat] = {}
        self._departments = {str(one.document["_id"]): one for one in staff.departments}
        self._tickets = 0
        self._named: set[str] = set()

    def open_requests(self) -> Iterable[Document]:
        """Yield a snapshot row of every open request."""
        return (documents.row(chat) for chat in self._chats.values() if chat.is_open)

    def request(self, request_id: str) -> Document | None:
        """Return a request that has not been forgotten yet."""
        chat = self._chats.get(request_id)
        return documents.single(chat) if chat else None

    def messages(self, request_id: str) -> list[Document] | None:
        """Return a request's messages."""
        chat = self._chats.get(request_id)
        return chat.messages if chat else None

    def department_of(self, chat: Chat) -> Department:
        """Return the department that a chat is in."""
        return self._departments[str(chat.department["_id"])]

    def agents_in(self, chat: Chat) -> list[Agent]:
        """Return the agents who take part in a chat."""
        return [self._agents[user_id] for user_id in chat.agents]

    def new_id(self) -> str:
        """Return an id for something that is part of a document."""
        return self._ids.at(self.timeline.now)

    def insert(self, opening: Opening) -> Chat:
        """Store a new chat."""
        self._tickets += 1
        suffix = f"{self.rng.getrandbits(128):032x}"
        now, project = self.timeline.now, self.settings.project_id
        chat = new_chat(opening, self._ids, now, self._tickets, suffix, project)
        self._chats[chat.request_id] = chat
        self.begin_session(chat, now)
        self.set_department(chat, opening.department, now)
        return chat

    def touch(self, chat: Chat, ahead_ms: int = 0) -> int:
        """Move a request's `updatedAt` on, to an instant it has not had before; return that."""
        chat.updated_ms = max(self.timeline.now + ahead_ms, chat.updated_ms + 1)
        chat.fields["updatedAt"] = iso(chat.updated_ms)
        return chat.updated_ms

    def set_participants(
        self,
        chat: Chat,
        agents: list[Agent],
        bots: list[Document],
        since_ms: int,
        reason: str = "transfer",
    ) -> None:
        """Replace who takes part: newcomers since an instant, leavers until `updatedAt`."""
        for agent in self.agents_in(chat):
            if agent not in agents:
                self._end_assignment(chat, agent, reason)
        for agent in agents:
            if agent.id not in chat.agents:
                self._begin_assignment(chat, agent, since_ms)
        self._set_bots(chat, bots, since_ms)
        chat.agents = {agent.id: agent.user for agent in agents}
        chat.bots = {str(bot["_id"]): bot for bot in bots}
        chat.fields |= {
            "hasBot": bool(bots) and not agents,
            "participants": [*chat.agents, *(f"bot_{bot}" for bot in chat.bots)],
            "participantsAgents": list(chat.agents),
            "participantsBots": list(chat.bots),
            "__v": chat.fields["__v"] + 1,
        }

    def set_status(self, chat: Chat, status: int) -> None:
        """Change the status, as of `updatedAt`."""
        if status == chat.status:
            return
        chat.fields["status"] = status
        self.truth.begin(
            "status", (chat.request_id,), chat.updated_ms, request_id=chat.request_id, status=status
        )

    def set_department(self, chat: Chat, department: Department, at_ms: int) -> None:
        """Put a chat into a department."""
        chat.department = department.document
        self.truth.begin(
            "department",
            (chat.request_id,),
            at_ms,
            request_id=chat.request_id,
            department_id=department.document["_id"],
            department_name=department.document["name"],
        )

    def set_working_status(self, chat: Chat, status: str) -> None:
        """Set a chat aside (`pending`) or take it up again (`open`), as of `updatedAt`."""
        if chat.fields.get("workingStatus") == status:
            return
        chat.fields["workingStatus"] = status
        self.truth.begin(
            "working_status",
            (chat.request_id,),
            chat.updated_ms,
            request_id=chat.request_id,
            working_status=status,
        )

    def begin_session(self, chat: Chat, at_ms: int) -> None:
        """Note that a chat opens."""
        self.truth.begin(
            "session",
            (chat.request_id,),
            at_ms,
            request_id=chat.request_id,
            n=chat.session,
            closed_by=None,
            close_seen_at=None,
        )

    def end_stretches(self, chat: Chat) -> None:
        """Note that a close ends what everybody was doing in a chat; they stay in it."""
        for agent in self.agents_in(chat):
            self._end_assignment(chat, agent, "close")
        for bot_id in chat.bots:
            self.truth.end("bot", (chat.request_id, bot_id), chat.updated_ms)

    def resume_stretches(self, chat: Chat) -> None:
        """Note that those who are still in a chat work in it again."""
        for agent in self.agents_in(chat):
            self._begin_assignment(chat, agent, chat.updated_ms)
        bots, chat.bots = chat.bots, {}
        self._set_bots(chat, list(bots.values()), chat.updated_ms)
        chat.bots = bots

    def publish(self, chat: Chat, method: str) -> None:
        """Tell whoever is subscribed how a request is now, if the server tells at all."""
        is_create = method == "CREATE"
        if chat.fields["preflight"] or not (is_create or chat.status > 50):
            return
        if is_create or not chat.fields.get("draft"):
            self._name(chat.agents)
            if not chat.is_published:
                chat.is_published = True
                self._tell_chat(chat, iso(self.timeline.now))
                self._name(() if is_create else chat.eligible)
            self._publish(f"{self._root}/requests", method, chat)
        self._publish(f"{self._root}/requests/{chat.request_id}", method, chat)

    def store_message(self, chat: Chat, sender: Sender, text: str, extra: Document) -> Document:
        """Store a message and deliver it."""
        now = chat.written_ms = max(self.timeline.now, chat.written_ms + 1)
        message = message_document(self._ids.at(now), chat, sender, text, iso(now), extra)
        chat.messages.append(message)
        attributes = message.get("attributes", {})
        self.truth.write(
            "message",
            id=message["_id"],
            request_id=chat.request_id,
            session=chat.session,
            sender=sender.id,
            role=sender.role,
            created_at=message["createdAt"],
            type=message["type"],
            subtype=attributes.get("subtype"),
            label=attributes.get("messagelabel", {}).get("key"),
            action=text if text.startswith("\\") else None,
            text_length=len(text),
        )
        topic = f"{self._root}/requests/{chat.request_id}/messages"
        if self._hub.is_followed(topic):
            self._hub.publish(topic, "CREATE", message | {"request": documents.nested(chat)})
        return message

    def forget(self, chat: Chat, session: int) -> None:
        """Drop a chat from memory, unless it has been opened again since."""
        is_done = chat.session == session and not chat.is_open and not chat.is_kept
        if is_done and chat.request_id in self._chats:
            del self._chats[chat.request_id]
            self._tell_document(chat)

    def finish(self) -> None:
        """Tell the truth about everything that memory still holds."""
        for chat in self._chats.values():
            self._tell_document(chat)
        self._chats.clear()
        self.truth.finish()

    def _publish(self, topic: str, method: str, chat: Chat) -> None:
        if self._hub.is_followed(topic):
            shape = documents.create if method == "CREATE" else documents.update
            self._hub.publish(topic, method, shape(chat))

    def _name(self, agents: Iterable[str]) -> None:
        """Note when a client learns of agents: who has a chat, or could take one first seen."""
        for agent_id in agents:
            if agent_id not in self._named:
                self._named.add(agent_id)
                self.truth.write("named", agent_id=agent_id, at=iso(self.timeline.now))

    def _begin_assignment(self, chat: Chat, agent: Agent, since_ms: int) -> None:
        agent.chats[chat.request_id] = chat
        self.truth.begin(
            "assignment",
            (chat.request_id, agent.id),
            since_ms,
            request_id=chat.request_id,
            session=chat.session,
            agent_id=agent.id,
            end_reason=None,
        )

    def _end_assignment(self, chat: Chat, agent: Agent, reason: str) -> None:
        agent.chats.pop(chat.request_id, None)
        key = (chat.request_id, agent.id)
        self.truth.end("assignment", key, chat.updated_ms, end_reason=reason)

    def _set_bots(self, chat: Chat, bots: list[Document], since_ms: int) -> None:
        ids = [str(bot["_id"]) for bot in bots]
        for bot_id in chat.bots:
            if bot_id not in ids:
                self.truth.end("bot", (chat.request_id, bot_id), chat.updated_ms)
        for bot_id in ids:
            if bot_id not in chat.bots:
                self.truth.begin(
                    "bot",
                    (chat.request_id, bot_id),
                    since_ms,
                    request_id=chat.request_id,
                    session=chat.session,
                    bot_id=bot_id,
                )

    def _tell_chat(self, chat: Chat, published_at: str | None) -> None:
        fields = chat.fields
        self.truth.write(
            "chat",
            request_id=chat.request_id,
            id=fields["_id"],
            created_at=fields["createdAt"],
            published_at=published_at,
            channel=fields["channel"]["name"],
            department_id=chat.department["_id"],
            lead_id=chat.lead["lead_id"],
            draft=fields.get("draft", False),
            proactive=fields["createdBy"] != chat.lead["lead_id"],
            smart_assignment=fields["smartAssignment"],
            language=fields["language"],
        )

    def _tell_document(self, chat: Chat) -> None:
        if not chat.is_published:
            self._tell_chat(chat, None)
        names = ("waiting_time", "first_response_at", "closed_at", "duration", "rating")
        fields = chat.fields
        self.truth.write(
            "document",
            request_id=chat.request_id,
            created_at=fields["createdAt"],
            preflight=fields["preflight"],
            draft=fields.get("draft", False),
            status=chat.status,
            **{name: fields.get(name) for name in names},
        )
        self.truth.leave(chat.request_id)
