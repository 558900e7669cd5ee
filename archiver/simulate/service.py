"""What the server does when it is asked: open, route, hand over, join, leave, close, reopen, post.

Operations take time as the server's do, so they are processes: `yield from service.close(…)`.
They do what the real server does, odd as it may be (fields left alone, cleared, or stored after
the frame went out); who asks, when and why is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from archiver.simulate.database import Database
from archiver.simulate.documents import Chat, Document
from archiver.simulate.messages import SYSTEM_SENDER, Sender, system_message, transcript
from archiver.simulate.opening import Opening
from archiver.simulate.people import Agent, Department
from archiver.simulate.timeline import DAY, iso

Operation = Generator[int, None, None]


class Service(Database):
    """The operations of one project's server."""

    def eligible(self, chat: Chat) -> list[Agent]:
        """Return those whom routing may choose for a chat: available, not yet gone from it."""
        gone = chat.fields.get("attributes", {}).get("abandoned_by_project_users", {})
        return [
            agent
            for agent in self.department_of(chat).agents
            if agent.is_available and agent.member["_id"] not in gone
        ]

    def least_loaded(self, agents: Iterable[Agent]) -> Agent | None:
        """Return the agent with room and the fewest chats; one of several by lot."""
        free = [agent for agent in agents if self.room(agent) > 0]
        fewest = min((len(agent.chats) for agent in free), default=0)
        free = [agent for agent in free if len(agent.chats) == fewest]
        return self.rng.choice(free) if free else None

    def room(self, agent: Agent) -> float:
        """Return how many more chats an agent may be given."""
        return agent.room(self.settings.project_chat_limit)

    def open(self, opening: Opening) -> Generator[int, None, Chat]:
        """Create a chat; one without preflight is published, with whoever got it."""
        chat = self.insert(opening)
        yield self.rng.randint(18, 60)
        if opening.is_preflight:
            return chat
        agents = [opening.agent] if opening.agent else self._choose(chat, opening.bot)
        self._assign(chat, agents, [opening.bot] if opening.bot else [])
        self.set_status(chat, 200 if chat.fields["participants"] else 100)
        yield self.rng.randint(8, 40)
        self.publish(chat, "CREATE")
        self.recount(self.agents_in(chat))
        return chat

    def end_preflight(self, chat: Chat, text: str, bot: Document | None) -> Operation:
        """Make a chat visible: the visitor has written."""
        chat.fields |= {"preflight": False, "first_text": text}
        yield from self._route(chat, self._choose(chat, bot), [bot] if bot else [])

    def route(self, chat: Chat) -> Operation:
        """Look for an agent; a fruitless try is published all the same."""
        agents = self._choose(chat, None)
        if agents or chat.fields["participants"]:
            yield from self._route(chat, agents, [])
        else:
            self.publish(chat, "UPDATE")

    def move(self, chat: Chat, department: Department) -> Operation:
        """Transfer a chat to another department, which routes it anew."""
        chat.department = department.document
        yield from self._route(chat, self._choose(chat, None), [], department)

    def hand_over(self, chat: Chat, agent: Agent) -> Operation:
        """Replace the participants ("reassign"): `assigned_at` stays, `waiting_time` goes."""
        before = self.agents_in(chat)
        self.touch(chat)
        self.set_participants(chat, [agent], [], chat.updated_ms)
        chat.fields.pop("waiting_time", None)
        self.set_status(chat, 200)
        self.publish(chat, "UPDATE")
        yield from self._announce(chat, before)

    def join(self, chat: Chat, agent: Agent) -> Operation:
        """Add an agent; a bot that is present leaves with a second frame."""
        before, bots = self.agents_in(chat), list(chat.bots.values())
        self.touch(chat, ahead_ms=self.rng.randint(4, 14))
        self.set_participants(chat, [*before, agent], bots, self.timeline.now)
        chat.fields["assigned_at"] = iso(self.timeline.now)
        self.set_status(chat, 200)
        yield chat.updated_ms - self.timeline.now
        self.publish(chat, "UPDATE")
        if bots:
            yield self.rng.randint(5, 20)
            self.touch(chat)
            self.set_participants(chat, self.agents_in(chat), [], chat.updated_ms)
            self.publish(chat, "UPDATE")
        yield from self._announce(chat, before)

    def leave(self, chat: Chat, agent: Agent) -> Operation:
        """Remove an agent; when nobody is left the chat is unassigned again."""
        attributes = chat.fields.setdefault("attributes", {})
        gone = attributes.get("abandoned_by_project_users", {})
        self.touch(chat)
        attributes["abandoned_by_project_users"] = gone | {agent.member["_id"]: chat.updated_ms}
        others = [one for one in self.agents_in(chat) if one is not agent]
        self.set_participants(chat, others, [], chat.updated_ms, reason="left")
        if not others:
            self.set_status(chat, 100)
        self.publish(chat, "UPDATE")
        self.recount([agent])
        yield self.rng.randint(5, 20)

    def give_up(self, chat: Chat) -> Operation:
        """Mark a chat as abandoned by everybody who could have taken it."""
        chat.fields.setdefault("attributes", {})["fully_abandoned"] = True
        self.touch(chat)
        self.set_status(chat, 150)
        self.publish(chat, "UPDATE")
        yield self.rng.randint(5, 20)

    def close(self, chat: Chat, by: str) -> Operation:
        """Close a chat: published first, its closing details stored some moments later."""
        self.touch(chat)
        self.set_status(chat, 1000)
        session = (chat.request_id,)
        self.truth.note("session", session, close_seen_at=iso(chat.updated_ms))
        self.end_stretches(chat)
        self.publish(chat, "UPDATE")
        self.recount(self.agents_in(chat))
        yield self.rng.randint(11, 72)
        closed_ms = self.touch(chat)
        chat.fields |= {
            "transcript": transcript(chat.messages),
            "closed_at": iso(closed_ms),
            "closed_by": by,
            "duration": closed_ms - chat.created_ms,
        }
        self.truth.end("session", session, closed_ms, closed_by=by)
        yield self.rng.randint(3, 20)
        yield from self.say(chat, "CHAT_CLOSED")
        self.forget_later(chat)

    def reopen(self, chat: Chat) -> Operation:
        """Open a closed chat again: nothing that the close stored is cleared or recounted."""
        self.touch(chat)
        chat.session += 1
        self.begin_session(chat, chat.updated_ms)
        self.resume_stretches(chat)
        self.set_status(chat, 200 if chat.fields["participants"] else 100)
        self.publish(chat, "UPDATE")
        yield self.rng.randint(5, 20)
        yield from self.say(chat, "CHAT_REOPENED")

    def change(self, chat: Chat, **fields: object) -> Operation:
        """Store fields of a request (tags, notes, …) and publish it."""
        chat.fields |= fields
        self.touch(chat)
        self.publish(chat, "UPDATE")
        yield self.rng.randint(5, 20)

    def set_aside(self, chat: Chat) -> Operation:
        """Mark a chat as pending: it counts as no load until the visitor writes again."""
        yield from self._work_on(chat, "pending")

    def note(self, chat: Chat, author_id: str, text: str) -> Operation:
        """Add an internal note."""
        at = iso(self.timeline.now)
        made = {"createdBy": author_id, "updatedAt": at, "createdAt": at}
        notes = [*chat.fields["notes"], {"_id": self.new_id(), "text": text, **made}]
        yield from self.change(chat, notes=notes)

    def tag(self, chat: Chat, tag: str, color: str) -> Operation:
        """Add a tag."""
        tags = [*chat.fields["tags"], {"_id": self.new_id(), "tag": tag, "color": color}]
        yield from self.change(chat, tags=tags)
        self.truth.write("tag", request_id=chat.request_id, tag=tag, at=chat.fields["updatedAt"])

    def rate(self, chat: Chat, rating: int, words: str) -> Operation:
        """Store the visitor's judgement."""
        yield from self.change(chat, rating=rating, rating_message=words)
        at = chat.fields["updatedAt"]
        self.truth.write("rating", request_id=chat.request_id, rating=rating, at=at)

    def post(self, chat: Chat, sender: Sender, text: str, **extra: object) -> Operation:
        """Store and deliver a message; a participant's first one sets `waiting_time`."""
        message = self.store_message(chat, sender, text, extra)
        yield self.rng.randint(3, 9)
        chat.fields.setdefault("attributes", {})["last_message"] = message
        now = self.touch(chat)
        if sender.id in chat.fields["participants"] and "waiting_time" not in chat.fields:
            chat.fields |= {"first_response_at": iso(now), "waiting_time": now - chat.created_ms}
            self.publish(chat, "UPDATE")
        yield self.rng.randint(1, 6)
        if chat.is_pending and chat.is_open and sender.role == "visitor":
            yield from self._work_on(chat, "open")

    def say(self, chat: Chat, label: str) -> Operation:
        """Store and deliver one of the server's own messages."""
        text, extra = system_message(chat, label, list(chat.agents))
        self.store_message(chat, SYSTEM_SENDER, text, extra)
        yield self.rng.randint(1, 6)

    def keep(self, chat: Chat) -> None:
        """Remember a closed chat until it is released."""
        chat.is_kept = True

    def release(self, chat: Chat) -> None:
        """Let a chat that was kept be forgotten like any other."""
        chat.is_kept = False
        self.forget_later(chat)

    def forget_later(self, chat: Chat) -> None:
        """Let memory drop a chat when nobody asks for it any more."""
        session = chat.session
        keep_ms = self.settings.keep_closed_days * DAY
        self.timeline.after(keep_ms, lambda: self.forget(chat, session))

    def _work_on(self, chat: Chat, working_status: str) -> Operation:
        self.touch(chat)
        self.set_working_status(chat, working_status)
        self.publish(chat, "UPDATE")
        self.recount(self.agents_in(chat))
        yield self.rng.randint(5, 20)

    def _choose(self, chat: Chat, bot: Document | None) -> list[Agent]:
        """Note who could take a chat; return whom routing chooses, if it may choose anybody."""
        eligible = self.eligible(chat)
        chat.eligible = [agent.id for agent in eligible]
        chat.available_agents = len(eligible)
        if bot or self.department_of(chat).is_pooled or not chat.fields["smartAssignment"]:
            return []
        agent = self.least_loaded(eligible)
        return [agent] if agent else []

    def _route(
        self,
        chat: Chat,
        agents: list[Agent],
        bots: list[Document],
        department: Department | None = None,
    ) -> Operation:
        before = self.agents_in(chat)
        self.touch(chat, ahead_ms=self.rng.randint(4, 14))
        if department:
            self.set_department(chat, department, chat.updated_ms)
        self._assign(chat, agents, bots)
        chat.fields.pop("waiting_time", None)
        self.set_status(chat, 200 if chat.fields["participants"] else 100)
        yield chat.updated_ms - self.timeline.now
        self.publish(chat, "UPDATE")
        yield from self._announce(chat, before)

    def _assign(self, chat: Chat, agents: list[Agent], bots: list[Document]) -> None:
        self.set_participants(chat, agents, bots, self.timeline.now)
        chat.fields.pop("assigned_at", None)
        if agents or bots:
            chat.fields["assigned_at"] = iso(self.timeline.now)

    def _announce(self, chat: Chat, before: list[Agent]) -> Operation:
        """Tell new agents of their chat, and count everybody's chats anew."""
        agents = self.agents_in(chat)
        yield self.rng.randint(5, 20)
        if not chat.bots and any(agent not in before for agent in agents):
            yield from self.say(chat, "TOUCHING_OPERATOR")
        self.recount([*before, *(agent for agent in agents if agent not in before)])
