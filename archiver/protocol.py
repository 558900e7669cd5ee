"""One connection's conversation with the server: frames in, frames to send out. Pure.

No socket and no clock: every call is told the time, in microseconds of any steady clock. The
rules are the server's (see docs/format.md for what comes of them):

* A subscription's only acknowledgement is its snapshot; a refusal is silence. Asked again after a
  time-out, and after `tries` it is refused.
* At most `in_flight` subscriptions wait for their snapshot at a time. The project feed goes first,
  then agents, single reads, messages, and last those of chats that are closed: one that is gone
  is never answered, and must hold up nobody.
* The feed is asked for twice, some seconds apart: what changed while the server subscribed us to
  it is lost, and the second snapshot closes that hole.
* The messages of every open chat are followed, and left a minute after the close; those of a chat
  that was closed on an earlier connection as soon as they are read again, or connections that are
  cut each minute would never leave any. A chat believed open but absent from a snapshot, or closed
  without its details, is read once by its own topic.
* The server cuts a client that sends nothing for 30 s, and counts JSON heartbeats only. Its own
  ping may be stuck behind much else, so we do not wait for it to speak.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archiver.frames import Frame, read_topic
from archiver.memory import Memory

SECOND = 1_000_000
PING = '{"action":"heartbeat","payload":{"message":{"text":"ping"}}}'
PONG = '{"action":"heartbeat","payload":{"message":{"text":"pong"}}}'

FEED, AGENT, SINGLE, MESSAGES, CLOSED = range(5)


@dataclass(frozen=True)
class Limits:
    """Times in microseconds."""

    in_flight: int = 5
    tries: int = 3
    answer: int = 15 * SECOND
    again: int = 5 * SECOND
    farewell: int = 60 * SECOND
    refused_feed: int = 60 * SECOND
    quiet: int = 5 * SECOND
    mute: int = 20 * SECOND
    silence: int = 30 * SECOND


@dataclass(slots=True, eq=False)
class Subscription:
    """A topic wanted: waiting its turn, asked for (`asked`), `confirmed`, or `refused`."""

    topic: str
    rank: int
    source: str
    first_asked: int | None = None
    asked: int | None = None
    tries: int = 0
    confirmed: bool = False
    refused: bool = False
    leaving: bool = False


@dataclass(slots=True)
class Farewell:
    """A closed chat that is still followed: until when, and whether it is being read once more."""

    at: int
    reading: bool = False


class Protocol:
    """The conversation of one connection that has just opened, at `now`."""

    def __init__(
        self, memory: Memory, projects: Iterable[str], now: int, limits: Limits | None = None
    ) -> None:
        self.memory = memory
        self.projects = tuple(projects)
        self.limits = limits or Limits()
        self.topics: dict[str, Subscription] = {}
        self._queue: list[Subscription] = []
        self._in_flight: dict[str, Subscription] = {}
        self._farewells: dict[tuple[str, str], Farewell] = {}
        self._ask_at: dict[str, int] = {}
        self._asked_twice: set[str] = set()
        self._agents_wanted: dict[str, int] = {}
        self._outbox: list[str] = []
        self._notes: list[dict[str, Any]] = []
        self._heard = now
        self._stirred = now
        self._pinged = now
        self._begin(now)

    def _begin(self, now: int) -> None:
        for project in self.projects:
            known = self.memory.project(project)
            self._want(feed(project), FEED)
            self._want_agents(project)
            for rid, chat in known.chats.items():
                self._want(messages(project, rid), MESSAGES if chat.is_open else CLOSED, "repair")
                if not chat.is_open:
                    self._farewells[project, rid] = Farewell(now + self.limits.again)
        self._pump(now)

    def receive(self, frame: Frame, now: int) -> None:
        """Take a frame."""
        self._heard = now
        about = frame.about
        if frame.method is None or about is None or about.project_id not in self.projects:
            return
        if frame.is_snapshot:
            self._confirm(frame, now)
        told = self.memory.learn(frame)
        if about.kind == "request":
            if frame.is_snapshot and not about.single:
                self._read_absent(about.project_id, set(told))
            for rid in told:
                self._follow(about.project_id, rid, now)
            if about.single and frame.is_snapshot:
                self._read(about.project_id, about.request_id or "", told)
            self._want_agents(about.project_id)
        if self._queue and len(self._in_flight) < self.limits.in_flight:
            self._pump(now)

    def heartbeat(self, text: bytes, now: int) -> None:
        """Take a heartbeat: the server's ping is answered, its pong is a sign of life."""
        self._heard = now
        if b'"ping"' in text:
            self._outbox.append(PONG)

    def stirred(self, now: int) -> None:
        """Take that a part of a frame has come: a large one on a slow line is no silence."""
        self._stirred = now

    def tick(self, now: int) -> None:
        """Do what is due: time-outs, farewells, second questions, our own ping."""
        for subscription in [
            waiting
            for waiting in self._in_flight.values()
            if now - (waiting.asked or 0) >= self.limits.answer
        ]:
            self._unanswered(subscription, now)
        for project, at in list(self._ask_at.items()):
            if now >= at:
                del self._ask_at[project]
                self._ask_again(self.topics[feed(project)])
        for (project, rid), farewell in list(self._farewells.items()):
            if now >= farewell.at and self._may_part(project, rid, farewell):
                self._part(project, rid, farewell)
        if now >= self._ping_at():
            self._pinged = now
            self._outbox.append(PING)
        self._pump(now)

    def _ping_at(self) -> int:
        """Return when to ping: soon where nothing is heard, and never so late as to seem mute."""
        quiet = max(self._heard, self._pinged) + self.limits.quiet
        return min(quiet, self._pinged + self.limits.mute)

    def deadline(self) -> int:
        """Return when `tick` is to be called next, if nothing is received before."""
        times = [self._ping_at()]
        times += [(waiting.asked or 0) + self.limits.answer for waiting in self._in_flight.values()]
        times += self._ask_at.values()
        times += [
            farewell.at
            for (project, rid), farewell in self._farewells.items()
            if self._may_part(project, rid, farewell)
        ]
        return min(times)

    def is_silent(self, now: int) -> bool:
        """Tell whether nothing has come for so long that the connection must be taken for dead."""
        return now - max(self._heard, self._stirred) >= self.limits.silence

    def refresh(self, now: int) -> None:
        """Ask for the feed and every agent again: a new day's partition begins with their state."""
        for subscription in list(self.topics.values()):
            if subscription.rank in (FEED, AGENT):
                self._ask_again(subscription)
        self._asked_twice.clear()
        self._pump(now)

    def unsubscribe(self) -> None:
        """Leave every topic that the server may hold for us; a ping asks whether it has heard."""
        for subscription in self.topics.values():
            if subscription.tries:
                self._outbox.append(_frame("unsubscribe", subscription.topic))
        self._outbox.append(PING)
        self.topics.clear()
        self._queue.clear()
        self._in_flight.clear()

    def outbox(self) -> list[str]:
        """Return the frames to send now, each of them once."""
        if not self._outbox:
            return []
        frames, self._outbox = self._outbox, []
        return frames

    def notes(self) -> list[dict[str, Any]]:
        """Return the facts to keep now, each once, before what `outbox` returns is sent."""
        notes, self._notes = self._notes, []
        return notes

    def is_ready(self, project: str) -> bool:
        """Tell whether the server has confirmed what is followed of a project.

        A topic just asked for is as good as confirmed until it has to be asked again; an agent's
        may never answer, when he was disabled.
        """
        return all(
            topic.confirmed or (topic.rank != FEED and topic.tries <= 1)
            for topic in self.topics.values()
            if topic.rank != AGENT and topic.topic.startswith(f"/{project}/")
        )

    # Subscriptions

    def _want(self, topic: str, rank: int, source: str = "realtime") -> None:
        known = self.topics.get(topic)
        if known is not None:
            known.leaving = False
            return
        subscription = Subscription(topic, rank, source)
        self.topics[topic] = subscription
        self._queue.append(subscription)

    def _ask_again(self, subscription: Subscription) -> None:
        if subscription.asked is None and subscription not in self._queue:
            subscription.tries = 0
            subscription.first_asked = None
            subscription.refused = False
            self._queue.append(subscription)

    def _pump(self, now: int) -> None:
        """Ask for what waits, as far as the pace allows; the newest chats first."""
        while self._queue and len(self._in_flight) < self.limits.in_flight:
            best = min(range(len(self._queue)), key=lambda i: (self._queue[i].rank, -i))
            subscription = self._queue.pop(best)
            subscription.asked = now
            if subscription.first_asked is None:
                subscription.first_asked = now
            subscription.tries += 1
            self._in_flight[subscription.topic] = subscription
            self._note("subscribed", subscription.topic, source=subscription.source)
            self._outbox.append(_frame("subscribe", subscription.topic))

    def _confirm(self, frame: Frame, now: int) -> None:
        subscription = self.topics.get(frame.topic or "")
        if subscription is None or frame.about is None:
            return
        self._in_flight.pop(subscription.topic, None)
        subscription.asked = None
        subscription.confirmed = True
        subscription.refused = False
        if subscription.leaving or subscription.rank == SINGLE:
            self._drop(subscription)
        elif subscription.rank == FEED and frame.about.project_id not in self._asked_twice:
            self._asked_twice.add(frame.about.project_id)
            self._ask_at[frame.about.project_id] = now + self.limits.again

    def _unanswered(self, subscription: Subscription, now: int) -> None:
        del self._in_flight[subscription.topic]
        subscription.asked = None
        if subscription.leaving:
            self._drop(subscription)
        elif subscription.tries < self.limits.tries:
            self._queue.insert(0, subscription)
        else:
            self._refuse(subscription, now)

    def _refuse(self, subscription: Subscription, now: int) -> None:
        subscription.refused = True
        waited = now - (subscription.first_asked or now)
        self._note("refused", subscription.topic, waited=waited, tries=subscription.tries)
        about = read_topic(subscription.topic)
        if about is None:
            return
        if subscription.rank == FEED:
            self._ask_at[about.project_id] = now + self.limits.refused_feed
        elif subscription.rank == SINGLE:
            self._drop(subscription)
            self._forget(about.project_id, about.request_id or "")

    def _drop(self, subscription: Subscription) -> None:
        """Leave a topic; one that is still being asked for is left when it answers.

        The server runs our requests side by side: an unsubscription sent before the snapshot has
        come may be done first, and leave the subscription standing.
        """
        if subscription.asked is not None:
            subscription.leaving = True
            return
        if subscription in self._queue:
            self._queue.remove(subscription)
        self.topics.pop(subscription.topic, None)
        if subscription.tries:
            self._note("unsubscribed", subscription.topic)
            self._outbox.append(_frame("unsubscribe", subscription.topic))

    def _note(self, name: str, topic: str, **facts: Any) -> None:
        self._notes.append({"control": name, "topic": topic, **facts})

    # Chats and agents

    def _follow(self, project: str, rid: str, now: int) -> None:
        chat = self.memory.project(project).chats.get(rid)
        if chat is None:
            return
        if chat.is_open:
            self._farewells.pop((project, rid), None)
            self._want(messages(project, rid), MESSAGES)
        else:
            self._farewells.setdefault((project, rid), Farewell(now + self.limits.farewell))

    def _read_absent(self, project: str, present: set[str]) -> None:
        """Read once what should be open and is not in the snapshot: closed while we were away."""
        for rid, chat in self.memory.project(project).chats.items():
            if chat.is_open and rid not in present:
                self._want(single(project, rid), SINGLE, "repair")

    def _read(self, project: str, rid: str, told: list[str]) -> None:
        """Take a chat's own snapshot; null is a chat that is gone, or not ours to see."""
        farewell = self._farewells.get((project, rid))
        if rid not in told or (farewell is not None and farewell.reading):
            self._forget(project, rid)

    def _may_part(self, project: str, rid: str, farewell: Farewell) -> bool:
        """Tell whether nothing more is to come of a closed chat: its messages have been read."""
        topic = self.topics.get(messages(project, rid))
        return not farewell.reading and (topic is None or topic.confirmed or topic.refused)

    def _part(self, project: str, rid: str, farewell: Farewell) -> None:
        """Leave a chat a minute after its close; without its closing details, read it first.

        Once: a close by a trigger never gets any, so the answer, or its refusal, ends it.
        """
        chat = self.memory.project(project).chats.get(rid)
        if chat is None or chat.detailed:
            self._forget(project, rid)
        else:
            farewell.reading = True
            self._want(single(project, rid), SINGLE, "repair")

    def _forget(self, project: str, rid: str) -> None:
        self.memory.project(project).chats.pop(rid, None)
        self._farewells.pop((project, rid), None)
        subscription = self.topics.get(messages(project, rid))
        if subscription is not None:
            self._drop(subscription)

    def _want_agents(self, project: str) -> None:
        known = self.memory.project(project).agents
        if len(known) > self._agents_wanted.get(project, 0):
            self._agents_wanted[project] = len(known)
            for agent in known:
                self._want(agent_topic(project, agent), AGENT)


def _frame(action: str, topic: str) -> str:
    return json.dumps({"action": action, "payload": {"topic": topic}}, separators=(",", ":"))


def feed(project: str) -> str:
    """Name a project's feed of chats."""
    return f"/{project}/requests"


def agent_topic(project: str, agent: str) -> str:
    """Name an agent's topic."""
    return f"/{project}/project_users/users/{agent}"


def single(project: str, request_id: str) -> str:
    """Name a chat's own topic."""
    return f"/{project}/requests/{request_id}"


def messages(project: str, request_id: str) -> str:
    """Name the topic of a chat's messages."""
    return f"/{project}/requests/{request_id}/messages"
