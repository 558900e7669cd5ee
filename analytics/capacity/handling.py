"""How long a chat takes by how many its agent has at once: from what was seen to what is planned.

What was seen is noisy where few chats were done. Numbers of chats at once with too few are pooled
with their neighbours, and a chat never takes less time because its agent has more of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_CLOSED = 30
"""Chats done at a number of chats at once, below which it is pooled with the one before."""


@dataclass(frozen=True)
class Seen:
    """What was seen of agents with so many chats at once: seconds of chats, and chats done."""

    concurrency: int
    chat_s: float
    closed: int


@dataclass(frozen=True)
class Pool:
    """Numbers of chats at once that are told by one figure; the last is `until`."""

    until: int
    chat_s: float
    closed: int

    @property
    def handle_time(self) -> float:
        """Seconds for each chat done: the estimate of greatest likelihood of an exit rate."""
        return self.chat_s / self.closed


def pools(seen: Sequence[Seen], least: int = LEAST_CLOSED) -> list[Pool]:
    """Return figures that rest on enough chats and never fall; none if too few were done at all."""
    grouped: list[Pool] = []
    for one in sorted(seen, key=lambda one: one.concurrency):
        pool = Pool(one.concurrency, one.chat_s, one.closed)
        if grouped and grouped[-1].closed < least:
            pool = _joined(grouped.pop(), pool)
        grouped.append(pool)
    if len(grouped) > 1 and grouped[-1].closed < least:
        last = grouped.pop()
        grouped.append(_joined(grouped.pop(), last))
    if not grouped or grouped[-1].closed < max(least, 1):
        return []
    return _rising(grouped)


def _rising(grouped: Sequence[Pool]) -> list[Pool]:
    rising: list[Pool] = []
    for pool in grouped:
        rising.append(pool)
        while len(rising) > 1 and rising[-1].handle_time < rising[-2].handle_time:
            last = rising.pop()
            rising.append(_joined(rising.pop(), last))
    return rising


def _joined(before: Pool, after: Pool) -> Pool:
    return Pool(after.until, before.chat_s + after.chat_s, before.closed + after.closed)


def handle_times(found: Sequence[Pool], most: int) -> tuple[float, ...]:
    """Return seconds a chat for 1, 2, … up to `most` chats at once.

    Beyond what was seen nobody has shown that he gets more done: each chat takes as much longer.
    """
    last = found[-1]
    seen = [
        next(pool.handle_time for pool in found if number <= pool.until)
        for number in range(1, min(most, last.until) + 1)
    ]
    unseen = [last.handle_time * number / last.until for number in range(last.until + 1, most + 1)]
    return (*seen, *unseen)
