"""What agents and visitors do in a chat that a human is needed in, turn by turn.

They wait, take it, answer, pass it on, set it aside, leave and close. What comes before and after
is told in `life.py`; `service.py` carries out.
"""

from __future__ import annotations

from archiver.simulate import phrases
from archiver.simulate.documents import Chat
from archiver.simulate.habits import OFFLINE, SLOWEST_LOOK, Answer, Habits
from archiver.simulate.messages import agent_sender, visitor_of
from archiver.simulate.people import Agent
from archiver.simulate.service import Operation
from archiver.simulate.timeline import DAY, HOUR, MINUTE, SECOND


class Work(Habits):
    """The people of a chat at work."""

    def _people(self, chat: Chat) -> Operation:
        """Turn by turn: somebody must be there, he answers, the visitor answers, until done."""
        turns = self._turns
        while chat.is_open:
            agent = next(iter(self._service.agents_in(chat)), None)
            if agent is None:
                yield from self._wait(chat)
            elif not agent.is_on_duty:
                yield from self._replace(chat, agent)
            elif agent.is_away:
                yield MINUTE
            elif self._is_difficult and self._happens(0.9):
                yield self._about(MINUTE)
                yield from self._service.leave(chat, agent)
            elif self._is_gone and self._happens(0.3):
                yield self._about(MINUTE)
                yield from self._service.close(chat, agent.id)
            elif (yield from self._answer(chat, agent)):
                turns -= 1
                yield from self._go_on(chat, agent, is_last=turns <= 0 or self._is_gone)

    def _wait(self, chat: Chat) -> Operation:
        """Wait until somebody takes the chat, the visitor gives up, or a trigger closes it."""
        service = self._service
        department = service.department_of(chat)
        department.waiting.append(chat)
        since, look = service.timeline.now, self._pace.look
        patience = self._patience(2 * MINUTE)
        while not chat.agents and chat.is_open:
            waited = service.timeline.now - since
            if waited > 5 * DAY or (self._is_gone and waited > 4 * HOUR):
                yield from service.close(chat, "_trigger")
            elif waited >= patience and not self._is_gone:
                self._is_gone = True
                if self._happens(0.6):
                    yield from service.close(chat, self._opening.visitor.id)
            else:
                yield from self._look(chat)
                left = DAY if self._is_gone else max(1, since + patience - service.timeline.now)
                yield 0 if chat.agents else min(self._about(look), left)
                look = min(look * 5 // 4, self._pace.look * SLOWEST_LOOK)
        department.waiting.remove(chat)

    def _look(self, chat: Chat) -> Operation:
        """Somebody, or the routing, looks at a waiting chat, which may not be its turn yet."""
        service, department = self._service, self._service.department_of(chat)
        agents = [agent for agent in department.agents if agent.is_available]
        ahead = department.waiting.index(chat)
        if self._is_difficult and chat.status == 100 and agents and not service.eligible(chat):
            yield from service.give_up(chat)
        elif sum(max(0, service.room(agent)) for agent in agents) <= ahead:
            if self._happens(0.25) and chat.status == 100:
                yield from service.route(chat)
        elif chat.status == 100 and chat.fields["smartAssignment"] and not department.is_pooled:
            yield from service.route(chat)
        elif agent := self._volunteer(chat, agents):
            self._is_difficult = self._is_difficult and chat.status != 150
            yield from service.join(chat, agent)

    def _volunteer(self, chat: Chat, agents: list[Agent]) -> Agent | None:
        """Return who picks the chat from the pool; the busier, the less he looks there."""
        agent = self._service.least_loaded(agents)
        if agent is None or agent.is_away or not self._happens(1 / (1 + len(agent.chats))):
            return None
        return None if chat.status == 150 and self._happens(0.8) else agent

    def _replace(self, chat: Chat, agent: Agent) -> Operation:
        """Find somebody for the chat of an agent who has gone home, or wait for his return."""
        if self._pace is OFFLINE:
            yield 30 * MINUTE
            return
        colleague = self._service.least_loaded(self._colleagues(chat))
        if colleague and self._happens(0.5):
            yield from self._service.hand_over(chat, colleague)
        elif colleague:
            yield from self._service.join(chat, colleague)
            yield self._about(5 * SECOND)
            yield from self._service.leave(chat, agent)
        else:
            yield from self._service.leave(chat, agent)

    def _answer(self, chat: Chat, agent: Agent) -> Answer:
        """Let an agent answer, slower the more chats he has; tell whether he did."""
        load = max(1, len(agent.chats))
        wait = self._about(int(self._pace.agent * agent.pace * (1 + 0.45 * (load - 1))))
        patience = self._patience(MINUTE)
        if wait > patience and not self._is_gone:
            yield patience
            yield from self._service.close(chat, self._opening.visitor.id)
            return False
        yield wait
        if not agent.is_on_duty or agent.is_away or agent.id not in chat.agents:
            return False
        if self._happens(0.05):
            note = self._one(phrases.PRIVATE_NOTES)
            private = {"subtype": "private"}
            yield from self._service.post(chat, agent_sender(agent), note, attributes=private)
            yield self._about(4 * SECOND)
        is_first = not any(message["sender"] == agent.id for message in chat.messages)
        words = phrases.AGENT_GREETINGS if is_first else phrases.AGENT_REPLIES
        yield from self._service.post(chat, agent_sender(agent), self._one(words))
        if self._happens(0.2):
            yield self._about(6 * SECOND)
            yield from self._service.post(
                chat, agent_sender(agent), self._one(phrases.AGENT_REPLIES)
            )
        return True

    def _go_on(self, chat: Chat, agent: Agent, *, is_last: bool) -> Operation:
        """After an answer: paperwork, a transfer, the visitor's reply, or the end."""
        yield from self._paperwork(chat, agent)
        if self._is_gone or is_last:
            yield self._about(45 * SECOND)
            if not self._is_gone and self._happens(0.5):
                thanks = self._one(phrases.VISITOR_THANKS)
                yield from self._service.post(chat, visitor_of(chat), thanks)
                yield self._about(20 * SECOND)
            yield from self._service.close(chat, self._closer(agent))
        elif self._happens(self._settings.transfer_share / 2):
            yield from self._transfer(chat, agent)
        elif self._happens(self._settings.leave_share / 2):
            yield self._about(10 * SECOND)
            yield from self._service.leave(chat, agent)
        elif self._happens(self._settings.pending_share):
            yield from self._set_aside(chat, agent)
        else:
            if self._happens(self._settings.helper_share):
                yield from self._call_help(chat)
            yield from self._reply(chat)
            if self._happens(0.01) and not self._is_gone:  # nobody thinks of it any more
                yield self._about(3 * HOUR)
                yield from self._service.close(chat, "_trigger")

    def _set_aside(self, chat: Chat, agent: Agent) -> Operation:
        """Let the chat rest until the visitor writes again, or close it after all."""
        yield self._about(10 * SECOND)
        yield from self._service.set_aside(chat)
        if self._happens(0.3):
            yield self._about(6 * HOUR)
            yield from self._service.close(chat, self._closer(agent))
        else:
            yield self._about(2 * HOUR)
            yield from self._reply(chat)

    def _call_help(self, chat: Chat) -> Operation:
        """Let a colleague join, who says something, and stays or leaves again."""
        helper = self._service.least_loaded(self._colleagues(chat))
        if helper is None:
            return
        yield from self._service.join(chat, helper)
        if self._happens(0.7):
            yield self._about(30 * SECOND)
            words = self._one(phrases.AGENT_REPLIES)
            yield from self._service.post(chat, agent_sender(helper), words)
        if self._happens(0.4):
            yield self._about(MINUTE)
            yield from self._service.leave(chat, helper)

    def _reply(self, chat: Chat) -> Operation:
        """Let the visitor answer, or vanish for good."""
        if self._happens(0.04):
            self._is_gone = True
            yield self._about(5 * self._pace.visitor)
            return
        yield self._about(self._pace.visitor)
        for _ in range(1 + self._happens(0.25)):
            yield self._rng.randint(800, 4000)
            if self._happens(0.03):
                picture = {"src": "https://files.example.test/p.png", "width": 640, "height": 480}
                yield from self._service.post(
                    chat, visitor_of(chat), "Image", type="image", metadata=picture
                )
            else:
                words = self._one(phrases.VISITOR_REPLIES)
                yield from self._service.post(chat, visitor_of(chat), words)

    def _closer(self, agent: Agent) -> str:
        if self._is_gone and self._happens(0.3):
            return "_trigger"
        return self._opening.visitor.id if self._happens(0.15) else agent.id

    def _paperwork(self, chat: Chat, agent: Agent) -> Operation:
        if self._happens(0.05):
            yield self._about(5 * SECOND)
            yield from self._service.tag(chat, *self._one(phrases.TAGS))
        if self._happens(0.04):
            yield self._about(8 * SECOND)
            yield from self._service.note(chat, agent.id, self._one(phrases.PRIVATE_NOTES))
        if self._happens(0.02):
            yield from self._service.say(chat, "LEAD_UPDATED")

    def _transfer(self, chat: Chat, agent: Agent) -> Operation:
        """To a colleague at a stroke, to one who joins first, or to another department."""
        yield self._about(15 * SECOND)
        elsewhere = [d for d in self._service.staff.departments if d.document != chat.department]
        if elsewhere and self._happens(0.3):
            yield from self._service.move(chat, self._one(elsewhere))
            return
        colleague = self._service.least_loaded(self._colleagues(chat))
        if colleague is None:
            yield from self._reply(chat)
        elif self._happens(0.6):
            yield from self._service.hand_over(chat, colleague)
        else:
            yield from self._service.join(chat, colleague)
            yield self._about(10 * SECOND)
            yield from self._service.leave(chat, agent)

    def _colleagues(self, chat: Chat) -> list[Agent]:
        return [agent for agent in self._service.eligible(chat) if agent.id not in chat.agents]
