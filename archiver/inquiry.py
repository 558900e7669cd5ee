"""A short conversation that only asks: what each topic answers, and after how long. Pure.

It asks for each project's feed, for the user's own record in it, and for the messages of one open
chat; it listens a little for the server's clock if that is not known; then it leaves every topic.
It knows no socket and no clock: it is told what arrived and when, and asked what to send.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.extract import read_time
from archiver.frames import EMPTY, Frame, elements, read_frame, read_value
from archiver.memory import is_followable
from archiver.protocol import PONG, SECOND, agent_topic, feed, messages

IN_FLIGHT = 5
LISTEN = 4 * SECOND


@dataclass(slots=True)
class Question:
    """A topic: when it was asked for, how long its answer took, and what it was."""

    topic: str
    asked: int | None = None
    took: int | None = None
    answer: bytes | None = None
    is_over: bool = False

    @property
    def size(self) -> int | None:
        """How many entities the snapshot holds; None for null, and for silence."""
        if self.answer is None or self.answer in (b"", b"null"):
            return None
        return 0 if self.answer in EMPTY else len(elements(self.answer))

    @property
    def entity(self) -> dict[str, Any]:
        """The single entity that was answered, empty if there is none."""
        found = None if self.answer is None else read_value(self.answer)
        return found if isinstance(found, dict) else {}


class Inquiry:
    """The conversation; `timer` gives microseconds, `patience` is how long an answer may take."""

    def __init__(
        self,
        projects: Sequence[str],
        user: str | None,
        patience: int,
        timer: Callable[[], int],
        *,
        listen: bool,
    ) -> None:
        self.feeds = {project: Question(feed(project)) for project in projects}
        self.members = {
            project: Question(agent_topic(project, user)) for project in projects if user
        }
        self.chats: dict[str, Question] = {}
        self.skew: int | None = None
        """Our clock less the server's, delivery included, from the quickest live frame."""
        self.is_done = False
        self._patience = patience
        self._timer = timer
        self._listen = LISTEN if listen else 0
        self._answered_at: int | None = None
        self._is_leaving = False
        self._outbox: list[str] = []
        self._questions = {
            question.topic: question for question in (*self.members.values(), *self.feeds.values())
        }
        self._pump()

    def received_all(self, datas: Sequence[bytes], at: int) -> None:
        """Take frames that came together, at a time of the wall clock."""
        for data in datas:
            self.received(data, False, at)

    def received(self, data: bytes, binary: bool, at: int) -> None:
        """Take a frame; what other clients publish is not believed."""
        frame = Frame("unparsed") if binary else read_frame(data)
        if frame.kind == "heartbeat":
            if b'"ping"' in data:
                self._outbox.append(PONG)
        elif frame.is_snapshot:
            self._answered(frame)
        elif frame.method is not None:
            self._compare(frame, at)

    def stirred(self) -> None:
        """Take that a part of a frame has come: every question has its own patience."""

    def tick(self, at: int) -> None:  # noqa: ARG002 (patience is the timer's)
        """Do what is due: silences end, and so does all of it."""
        now = self._timer()
        for question in self._questions.values():
            if question.asked is not None and now - question.asked >= self._patience:
                question.is_over = True
        self._pump()
        if self._is_leaving or not all(one.is_over for one in self._questions.values()):
            return
        if self._answered_at is None:
            self._answered_at = now
        if self.skew is not None or now - self._answered_at >= self._listen:
            self._leave()

    def is_silent(self) -> bool:
        """Return False: every question has its own patience."""
        return False

    def outbox(self) -> list[str]:
        """Return the frames to send now; with the last of them the conversation is done."""
        frames, self._outbox = self._outbox, []
        self.is_done = self._is_leaving
        return frames

    def _pump(self) -> None:
        """Ask for what waits, as far as the pace allows."""
        waiting = sum(one.asked is not None and not one.is_over for one in self._all())
        for question in self._all():
            if question.asked is None and waiting < IN_FLIGHT:
                question.asked = self._timer()
                waiting += 1
                self._say("subscribe", question.topic)

    def _all(self) -> list[Question]:
        return list(self._questions.values())

    def _say(self, action: str, topic: str) -> None:
        self._outbox.append(json.dumps({"action": action, "payload": {"topic": topic}}))

    def _answered(self, frame: Frame) -> None:
        question = self._questions.get(frame.topic or "")
        if question is None or question.asked is None or question.answer is not None:
            return
        question.took = self._timer() - question.asked
        question.answer = frame.message
        question.is_over = True
        for project, one in self.feeds.items():
            if one is question:
                self._ask_for_chat(project, question)
        self._pump()

    def _ask_for_chat(self, project: str, question: Question) -> None:
        for text in elements(question.answer or b""):
            chat = read_value(text)
            name = chat.get("request_id") if isinstance(chat, dict) else None
            if isinstance(name, str) and is_followable(name):
                asked = self.chats[project] = Question(messages(project, name))
                self._questions[asked.topic] = asked
                return

    def _compare(self, frame: Frame, at: int) -> None:
        entity = read_value(frame.message)
        moment = read_time(entity.get("updatedAt")) if isinstance(entity, dict) else None
        if isinstance(moment, int):
            skew = at - moment
            self.skew = skew if self.skew is None else min(self.skew, skew, key=abs)

    def _leave(self) -> None:
        self._is_leaving = True
        for topic in self._questions:
            self._say("unsubscribe", topic)
