"""A desk played event by event: a second way to the chat model's figures.

Handle times are exponential, so that the time to an agent's next end may be drawn anew whenever
the number of his chats changes.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque

from analytics.capacity.chat_model import Demand


class Desk:
    """Agents with their chats, and who waits: since when, and when he will leave."""

    def __init__(self, demand: Demand, agents: int, seed: int) -> None:
        self._demand = demand
        self._chance = random.Random(seed)
        self._loads = [0] * agents
        self._versions = [0] * agents
        self._ends: list[tuple[float, int, int]] = []
        self._queue: deque[tuple[float, float]] = deque()
        self._now = 0.0
        self._waits: list[float] = []
        self._left = 0
        self._lost = 0.0

    def play(self, arrivals: int, target: float) -> tuple[float, float, float]:
        """Return the shares answered in time and gone, and the mean wait, of so many arrivals."""
        for _ in range(arrivals):
            arrival = self._now + self._chance.expovariate(self._demand.arrival_rate)
            while self._ends and self._ends[0][0] < arrival:
                self._end(*heapq.heappop(self._ends))
            self._now = arrival
            self._arrive()
        in_time = sum(wait <= target for wait in self._waits)
        answered = len(self._waits)
        waited = math.fsum(self._waits) + self._lost
        total = answered + self._left
        return in_time / total, self._left / total, waited / total

    def _arrive(self) -> None:
        if min(self._loads) < len(self._demand.handle_times):
            self._waits.append(0.0)
            self._change(self._loads.index(min(self._loads)), 1)
        else:
            patience = self._chance.expovariate(1 / (self._demand.patience or math.inf))
            self._queue.append((self._now, self._now + patience))

    def _end(self, moment: float, agent: int, version: int) -> None:
        if version != self._versions[agent]:
            return
        self._now = moment
        self._change(agent, -1)
        while self._queue:
            since, gone = self._queue.popleft()
            if gone > moment:
                self._waits.append(moment - since)
                self._change(agent, 1)
                break
            self._left += 1
            self._lost += gone - since
        self._spread()

    def _spread(self) -> None:
        """Move chats until the agents have equally many, as the model says."""
        while max(self._loads) - min(self._loads) > 1:
            self._change(self._loads.index(max(self._loads)), -1)
            self._change(self._loads.index(min(self._loads)), 1)

    def _change(self, agent: int, by: int) -> None:
        self._loads[agent] += by
        self._versions[agent] += 1
        load = self._loads[agent]
        if load:
            rate = load / self._demand.handle_times[load - 1]
            end = self._now + self._chance.expovariate(rate)
            heapq.heappush(self._ends, (end, agent, self._versions[agent]))
