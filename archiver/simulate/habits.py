"""What the people of a simulated chat are like: how fast, how patient, how often this or that.

Values and chance; what they do is told in `work.py` and `life.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from archiver.simulate.opening import ASYNC_CHANNELS, OFFLINE_CHANNELS, Opening
from archiver.simulate.service import Service
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


class Habits:
    """One chat's people, and the dice that they throw."""

    def __init__(self, service: Service, opening: Opening, rng: Random) -> None:
        self._service = service
        self._settings = service.settings
        self._opening = opening
        self._rng = rng
        self._pace = pace_of(opening.channel)
        self._turns = 1 + min(12, int(rng.expovariate(1 / 3.5)))
        self._is_difficult = rng.random() < 0.012
        self._is_hasty = rng.random() < self._settings.hasty_share
        self._is_gone = False

    def _patience(self, least: int) -> int:
        """Return how long the visitor waits this time: some seconds, if he is a hasty one."""
        if self._is_hasty:
            return self._rng.randint(1, 12) * SECOND
        return int(self._rng.expovariate(1 / self._pace.patience)) + least

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _one(self, choices: Sequence[T]) -> T:
        return self._rng.choice(choices)

    def _about(self, median_ms: int, spread: float = 0.6) -> int:
        return max(1, int(median_ms * self._rng.lognormvariate(0, spread)))
