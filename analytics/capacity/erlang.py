"""Erlang's formulas: one agent serves one customer at a time, nobody who waits leaves.

Notation: `servers` agents, `load` in erlangs (arrivals per second times handle time in seconds).
The formulas are those of A. K. Erlang, "Solution of some problems in the theory of probabilities"
(1917), in the recursion that stays exact for thousands of servers. Who may lose patience, or has
several chats at once, is `chat_model`'s business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Queue:
    """What an Erlang C system is like in the long run. Times in seconds, shares 0 to 1."""

    wait_probability: float
    wait_mean: float
    """Over all customers."""
    occupancy: float
    queue_mean: float
    """Customers waiting, on average."""
    clearing_time: float
    """Mean wait of those who wait: their waits are exponential with it."""

    def service_level(self, target: float) -> float:
        """Return the share answered within `target` seconds."""
        return 1 - self.wait_probability * math.exp(-target / self.clearing_time)

    def wait_percentile(self, share: float) -> float:
        """Return the wait that a share of the customers does not exceed, seconds."""
        if self.wait_probability <= 1 - share:
            return 0.0
        return self.clearing_time * math.log(self.wait_probability / (1 - share))


def blocking(servers: int, load: float) -> float:
    """Return Erlang B: the share turned away where nobody can wait."""
    _check(servers, load)
    if load == 0:
        return 1.0 if servers == 0 else 0.0
    inverse = 1.0
    for number in range(1, servers + 1):
        inverse = 1 + inverse * number / load
        if math.isinf(inverse):
            return 0.0
    return 1 / inverse


def waiting(servers: int, load: float) -> float | None:
    """Return Erlang C: the share that has to wait; None if understaffed (load >= servers)."""
    _check(servers, load)
    if load >= servers:
        return None
    blocked = blocking(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def queue(servers: int, arrival_rate: float, handle_time: float) -> Queue | None:
    """Return what Erlang C says of a system; None if understaffed: its queue grows for ever."""
    load = arrival_rate * handle_time
    probability = waiting(servers, load)
    if probability is None:
        return None
    clearing = handle_time / (servers - load)
    return Queue(
        wait_probability=probability,
        wait_mean=probability * clearing,
        occupancy=load / servers,
        queue_mean=probability * load / (servers - load),
        clearing_time=clearing,
    )


def _check(servers: int, load: float) -> None:
    if servers < 0 or not load >= 0 or math.isinf(load):
        raise ValueError(f"{servers} servers, load {load}: give none or more of both")
