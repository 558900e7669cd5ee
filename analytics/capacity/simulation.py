"""Plays a desk chat by chat: recorded or drawn arrivals, agents with shifts, visitors who leave.

The chat model speaks of a desk that stays as it is; this one follows the day: peaks, the edges of
shifts, a break. Its rules: whoever waits is answered in order of arrival; a chat goes to the agent
on shift with the fewest chats, if he has room; an agent whose shift is over ends the chats that he
has. A chat is so much work, done at the rate 1 / handle_times[j - 1] while its agent has j chats.
Times are seconds from any origin. The same seed plays the same day.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analytics.capacity.chat_model import Demand

_BEGIN = -1
"""The version of an event that is no end of a chat but the beginning of a shift."""


@dataclass(frozen=True)
class Shift:
    """One agent at work, [since, until)."""

    since: float
    until: float


@dataclass(frozen=True)
class Visit:
    """What became of one visitor: how long he waited, and whether he was answered."""

    came: float
    waited: float
    is_answered: bool


@dataclass
class _Chat:
    left: float
    """Work, in units of a chat alone with its agent at that rate."""


@dataclass
class _Agent:
    shift: Shift
    chats: list[_Chat] = field(default_factory=list)
    touched: float = 0.0
    version: int = 0


def play(
    arrivals: Iterable[float], shifts: Sequence[Shift], demand: Demand, seed: int = 1
) -> list[Visit]:
    """Return what became of each visitor, in the order in which that was settled.

    Of `demand`, handle times and patience count; the arrivals are given. Who still waits when
    nobody will ever come any more waits until his patience ends; without patience he is left out.
    """
    return _Day(shifts, demand, random.Random(seed)).play(sorted(arrivals))  # noqa: S311 (a play)


class _Day:
    def __init__(self, shifts: Sequence[Shift], demand: Demand, chance: random.Random) -> None:
        self._demand, self._chance = demand, chance
        self._agents = [_Agent(shift) for shift in shifts]
        self._queue: deque[tuple[float, float]] = deque()
        self._events: list[tuple[float, int, int]] = [
            (shift.since, number, _BEGIN) for number, shift in enumerate(shifts)
        ]
        heapq.heapify(self._events)
        self._visits: list[Visit] = []

    def play(self, arrivals: list[float]) -> list[Visit]:
        for came in arrivals:
            self._until(came)
            self._queue.append((came, self._gone(came)))
            self._serve(came)
        self._until(float("inf"))
        for came, gone in self._queue:
            if gone < float("inf"):
                self._visits.append(Visit(came, gone - came, is_answered=False))
        return self._visits

    def _gone(self, came: float) -> float:
        patience = self._demand.patience
        return float("inf") if patience is None else came + self._chance.expovariate(1 / patience)

    def _until(self, moment: float) -> None:
        """Let everything happen that happens before a moment: chats end, shifts begin."""
        while self._events and self._events[0][0] <= moment:
            now, number, version = heapq.heappop(self._events)
            agent = self._agents[number]
            if version == agent.version:
                self._work(agent, now)
                agent.chats.remove(min(agent.chats, key=lambda chat: chat.left))
                self._await(number, now)
            elif version != _BEGIN:  # awaited before the agent's chats changed
                continue
            self._serve(now)

    def _serve(self, now: float) -> None:
        """Give who waits to who has room."""
        while self._queue and (number := self._free(now)) is not None:
            came, gone = self._queue.popleft()
            if gone <= now:
                self._visits.append(Visit(came, gone - came, is_answered=False))
                continue
            self._visits.append(Visit(came, now - came, is_answered=True))
            agent = self._agents[number]
            self._work(agent, now)
            agent.chats.append(_Chat(self._chance.expovariate(1.0)))
            self._await(number, now)

    def _free(self, now: float) -> int | None:
        most = len(self._demand.handle_times)
        there = [
            (len(agent.chats), number)
            for number, agent in enumerate(self._agents)
            if agent.shift.since <= now < agent.shift.until and len(agent.chats) < most
        ]
        return min(there)[1] if there else None

    def _work(self, agent: _Agent, now: float) -> None:
        """Take off what was done since the agent's chats last changed."""
        if agent.chats:
            pace = 1 / self._demand.handle_times[len(agent.chats) - 1]
            for chat in agent.chats:
                chat.left -= (now - agent.touched) * pace
        agent.touched = now

    def _await(self, number: int, now: float) -> None:
        """Expect the agent's next end."""
        agent = self._agents[number]
        agent.version += 1
        if agent.chats:
            pace = self._demand.handle_times[len(agent.chats) - 1]
            soonest = max(0.0, min(chat.left for chat in agent.chats)) * pace
            heapq.heappush(self._events, (now + soonest, number, agent.version))
