"""The life of one chat: what visitor, bot and agents do, when, and what becomes of it.

One process a chat, so its people act in turn. It decides; `service.py` carries out, and what
follows on the wire is the server's business.
"""

from __future__ import annotations

from archiver.simulate import phrases
from archiver.simulate.documents import Chat
from archiver.simulate.habits import Answer
from archiver.simulate.messages import agent_sender, bot_sender, visitor_of
from archiver.simulate.service import Operation
from archiver.simulate.timeline import DAY, HOUR, MINUTE, SECOND
from archiver.simulate.work import Work


class Life(Work):
    """One chat's people, from the widget's opening to the last rating."""

    def run(self) -> Operation:
        """Live."""
        chat = yield from self._service.open(self._opening)
        if not (yield from self._become_visible(chat)):
            self._service.forget_later(chat)
            return
        yield from self._session(chat)
        yield from self._afterwards(chat)
        while chat.session < 4 and self._happens(self._settings.reopen_share):
            yield self._about(50 * MINUTE)
            yield from self._once_more(chat)
        if self._happens(self._settings.late_reopen_share):
            self._service.keep(chat)
            yield self._rng.randint(5, 9) * DAY
            while not (yield from self._once_more(chat)) and self._happens(0.98):
                yield HOUR
            self._service.release(chat)

    def _once_more(self, chat: Chat) -> Answer:
        """Open the chat again and live through it; tell whether that was possible."""
        if not (yield from self._reopened(chat)):
            return False
        yield from self._people(chat)
        yield from self._afterwards(chat)
        return True

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
        if self._happens(self._settings.command_share):
            info = {"subtype": "info"}
            yield from self._service.post(chat, speaker, phrases.HAND_OFF, attributes=info)
            yield self._rng.randint(20, 400)
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

    # Endings

    def _afterwards(self, chat: Chat) -> Operation:
        """Add a word after the close, or a rating, soon or on the next day."""
        if self._opening.is_draft:
            return
        if self._happens(0.04) and not self._is_gone:
            yield self._about(30 * SECOND)
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
        if not any(agent.is_on_duty for agent in self._service.agents_in(chat)):
            return False
        self._is_gone = False
        self._turns = self._rng.randint(1, 3)
        yield from self._service.reopen(chat)
        yield self._about(10 * SECOND)
        yield from self._service.post(chat, visitor_of(chat), self._one(phrases.VISITOR_REPLIES))
        return True
