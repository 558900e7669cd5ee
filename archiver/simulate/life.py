"""The life of one chat: what visitor, bot and agents do, when, and what becomes of it.

One process a chat, so its people act in turn. It decides; `service.py` carries out, and what
follows on the wire is the server's business.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from archiver.simulate import phrases
from archiver.simulate.documents import Chat
from archiver.simulate.messages import agent_sender, bot_sender, visitor_of
from archiver.simulate.opening import ASYNC_CHANNELS, OFFLINE_CHANNELS, Opening
from archiver.simulate.people import Agent
from archiver.simulate.service import Operation, Service
from archiver.simulate.timeline import DAY, HOUR, MINUTE, SECOND

T = TypeVar("T")
Answer = Generator[int, None, bool]


@dataclass(frozen=True)
class Pace:
    """How fast the people of a channel are: milliseconds, medians unless said otherwise."""

    agent: int
    visitor: int
    patience: int
    """How long, on average, a visitor waits for an answer."""
    look: int
    """How long a waiting chat waits for the next look at it, at first."""


LIVE = Pace(35 * SECOND, 40 * SECOND, 14 * MINUTE, 20 * SECOND)
ASYNC = Pace(2 * MINUTE, 4 * MINUTE, 6 * HOUR, MINUTE)
OFFLINE = Pace(12 * MINUTE, 90 * MINUTE, 5 * DAY, 10 * MINUTE)
SLOWEST_LOOK = 6
"""A look at a waiting chat comes at most so many times later than the first did."""


def pace_of(channel: str) -> Pace:
    """Return how fast people are on a channel."""
    if channel in OFFLINE_CHANNELS:
        return OFFLINE
    return ASYNC if channel in ASYNC_CHANNELS else LIVE


class Life:
    """One chat's people, from the widget's opening to the last rating."""

    def __init__(self, service: Service, opening: Opening, rng: Random) -> None:
        self._service = service
        self._settings = service.settings
        self._opening = opening
        self._rng = rng
        self._pace = pace_of(opening.channel)
        self._turns = 1 + min(12, int(rng.expovariate(1 / 3.5)))
        self._is_difficult = rng.random() < 0.012
        self._is_gone = False

    def run(self) -> Operation:
        """Live."""
        chat = yield from self._service.open(self._opening)
        if not (yield from self._become_visible(chat)):
            self._service.forget_later(chat)
            return
        yield from self._session(chat)
        yield from self._afterwards(chat)
        while chat.session < 4 and self._happens(self._settings.reopen_share):
            if (yield from self._reopened(chat)):
                yield from self._people(chat)
                yield from self._afterwards(chat)

    # Beginnings

    def _become_visible(self, chat: Chat) -> Answer:
        """Say what opens the chat; a widget that is never written in stays invisible."""
        visitor = visitor_of(chat)
        if self._opening.agent:
            sender = agent_sender(self._opening.agent)
            yield from self._service.post(chat, sender, self._one(phrases.AGENT_FOLLOW_UPS))
            return True
        if not self._opening.is_preflight:
            yield self._rng.randint(40, 130)
            language = self._opening.visitor.language
            yield from self._service.post(chat, visitor, self._opening.text, language=language)
            return True
        yield from self._service.post(chat, visitor, "/start")
        if self._happens(self._settings.abandoned_widget_share):
            return False
        yield self._about(20 * SECOND)
        text = self._one(phrases.OPENINGS[self._opening.visitor.language])
        yield from self._service.post(chat, visitor, text)
        yield from self._service.end_preflight(chat, text, self._opening.bot)
        return True

    def _session(self, chat: Chat) -> Operation:
        if self._opening.agent:
            self._turns = min(self._turns, 3)
            yield from self._reply(chat)
        if chat.bots and (yield from self._bot_settles(chat)):
            return
        yield from self._people(chat)

    # The bot

    def _bot_settles(self, chat: Chat) -> Answer:
        """Let the bot talk; tell whether that was the end of it (else it hands off)."""
        bot = next(iter(chat.bots.values()))
        speaker = bot_sender(bot)
        visitor = visitor_of(chat)
        for _ in range(self._rng.randint(1, 3)):
            yield self._rng.randint(700, 2500)
            yield from self._service.post(chat, speaker, self._one(phrases.BOT_REPLIES))
            if self._happens(0.12):
                yield from self._desert(chat, speaker.id)
                return True
            yield self._about(self._pace.visitor // 2)
            yield from self._service.post(chat, visitor, self._one(phrases.VISITOR_REPLIES))
        if self._opening.is_draft or self._happens(0.3):
            yield self._rng.randint(700, 2500)
            yield from self._service.post(chat, speaker, self._one(phrases.BOT_REPLIES))
            yield self._about(10 * SECOND)
            yield from self._service.close(chat, speaker.id)
            return True
        yield self._about(8 * SECOND)
        yield from self._service.post(chat, visitor, self._one(phrases.WANTS_HUMAN))
        yield self._rng.randint(500, 1500)
        yield from self._service.route(chat)
        return False

    def _desert(self, chat: Chat, bot_sender_id: str) -> Operation:
        """Lose the visitor: the bot ends it, or the job that sweeps idle bot chats does."""
        if self._opening.is_draft or self._happens(0.5):
            yield self._about(20 * MINUTE)
            yield from self._service.close(chat, bot_sender_id)
        else:
            yield 2 * DAY + self._rng.randrange(5 * MINUTE)
            yield from self._service.close(chat, "_bot_unresponsive")

    # People

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
            elif (yield from self._answer(chat, agent)):
                turns -= 1
                yield from self._go_on(chat, agent, is_last=turns <= 0 or self._is_gone)

    def _wait(self, chat: Chat) -> Operation:
        """Wait until somebody takes the chat, the visitor gives up, or a trigger closes it."""
        department = self._service.department_of(chat)
        department.waiting.append(chat)
        since, look = self._service.timeline.now, self._pace.look
        patience = self._rng.expovariate(1 / self._pace.patience) + 2 * MINUTE
        while not chat.agents and chat.is_open:
            waited = self._service.timeline.now - since
            if waited > 5 * DAY or (self._is_gone and waited > 4 * HOUR):
                yield from self._service.close(chat, "_trigger")
            elif waited > patience and not self._is_gone:
                self._is_gone = True
                if self._happens(0.6):
                    yield from self._service.close(chat, self._opening.visitor.id)
            else:
                yield from self._look(chat)
                yield 0 if chat.agents else self._about(look)
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
        patience = self._rng.expovariate(1 / self._pace.patience) + MINUTE
        if wait > patience and not self._is_gone:
            yield int(patience)
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
        else:
            yield from self._reply(chat)

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

    # Endings

    def _afterwards(self, chat: Chat) -> Operation:
        """Add a word after the close, or a rating, soon or on the next day."""
        if self._opening.is_draft:
            return
        if self._happens(0.04) and not self._is_gone:
            yield self._about(20 * SECOND)
            yield from self._service.post(chat, visitor_of(chat), self._one(phrases.VISITOR_THANKS))
        is_rated = "rating" in chat.fields or chat.bots or self._is_gone
        if is_rated or not self._happens(self._settings.rating_share):
            return
        yield self._about(40 * SECOND) if self._happens(0.85) else self._about(20 * HOUR, 0.2)
        rating = self._rng.choices((1, 2, 3, 4, 5), (8, 5, 12, 30, 45))[0]
        yield from self._service.rate(chat, rating, self._one(phrases.RATING_WORDS))

    def _reopened(self, chat: Chat) -> Answer:
        """Open the chat again if those who were in it are there; tell whether it was."""
        if self._opening.is_draft or chat.bots or not chat.agents:
            return False
        yield self._about(50 * MINUTE)
        if not any(agent.is_on_duty for agent in self._service.agents_in(chat)):
            return False
        self._is_gone = False
        self._turns = self._rng.randint(1, 3)
        yield from self._service.reopen(chat)
        yield self._about(10 * SECOND)
        yield from self._service.post(chat, visitor_of(chat), self._one(phrases.VISITOR_REPLIES))
        return True

    # Chance

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _one(self, choices: Sequence[T]) -> T:
        return self._rng.choice(choices)

    def _about(self, median_ms: int, spread: float = 0.6) -> int:
        return max(1, int(median_ms * self._rng.lognormvariate(0, spread)))
