"""Who comes, when, and through which door: arrivals by weekday and hour, visitors, channels."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from archiver.simulate import phrases
from archiver.simulate.opening import Opening, Visitor
from archiver.simulate.people import Department, Staff
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY

BY_HOUR = (3, 2, 1, 1, 1, 2, 5, 12, 28, 44, 50, 46, 38, 36, 42, 46, 44, 40, 34, 28, 24, 18, 11, 6)
BY_WEEKDAY = (1.25, 1.15, 1.1, 1.1, 1.05, 0.75, 0.6)
CHANNELS = {"chat21": 66, "whatsapp": 14, "email": 8, "form": 5, "telegram": 5, "messenger": 2}
RETURNING = 300
"""How many visitors are remembered, so that some of them come again."""


class Arrivals:
    """The stream of new chats (a Poisson process whose rate follows the local clock)."""

    def __init__(self, settings: DeskSettings, staff: Staff, rng: Random) -> None:
        self._settings = settings
        self._staff = staff
        self._rng = rng
        self._zone = ZoneInfo(settings.time_zone)
        self._count = 0
        self._known: deque[Visitor] = deque(maxlen=RETURNING)
        mean = sum(BY_WEEKDAY) / len(BY_WEEKDAY) * sum(BY_HOUR) / len(BY_HOUR)
        self._per_ms = settings.chats_per_day / DAY / mean
        self._peak = self._per_ms * max(BY_HOUR) * max(BY_WEEKDAY)

    def wait_ms(self, now_ms: int) -> int:
        """Return how long it takes from now until the next chat (by thinning)."""
        at = float(now_ms)
        while True:
            at += self._rng.expovariate(self._peak)
            if self._rng.random() * self._peak < self._rate(at):
                return int(at) - now_ms

    def draw(self) -> Opening:
        """Return the next chat."""
        self._count += 1
        rng, settings = self._rng, self._settings
        visitor = self._visitor()
        department = self._department()
        channel = rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        if self._staff.bots and rng.random() < settings.draft_share:
            return Opening(
                visitor, "/start", "chat21", department, self._staff.bots[0], is_draft=True
            )
        limit = settings.project_chat_limit
        agents = [a for a in department.agents if a.is_available and a.room(limit) > 0]
        if agents and rng.random() < settings.proactive_share:
            text = rng.choice(phrases.AGENT_FOLLOW_UPS)
            return Opening(visitor, text, channel, department, agent=rng.choice(agents))
        is_widget = channel == "chat21"
        is_preflight = is_widget and rng.random() < settings.preflight_share
        greeted = department.bot and channel != "email" and rng.random() < settings.bot_share
        return Opening(
            visitor,
            "/start" if is_preflight else rng.choice(phrases.OPENINGS[visitor.language]),
            channel,
            department,
            department.bot if greeted else None,
            is_preflight,
        )

    def _rate(self, at_ms: float) -> float:
        local = datetime.fromtimestamp(at_ms / 1000, self._zone)
        return self._per_ms * BY_HOUR[local.hour] * BY_WEEKDAY[local.weekday()]

    def _visitor(self) -> Visitor:
        if self._known and self._rng.random() < self._settings.return_share:
            return self._rng.choice(self._known)
        visitor = self._stranger()
        self._known.append(visitor)
        return visitor

    def _stranger(self) -> Visitor:
        rng = self._rng
        identity = str(UUID(int=rng.getrandbits(128), version=4))
        language = rng.choices(list(phrases.LANGUAGES), list(phrases.LANGUAGES.values()))[0]
        email = f"v{self._count}.{identity[:8]}@visitors.test"
        phone = f"+39000{rng.randrange(10**6):06d}" if rng.random() < 0.3 else None
        return Visitor(identity, f"Visitor {self._count}", email, phone, language)

    def _department(self) -> Department:
        departments = self._staff.departments
        return self._rng.choices(departments, [one.weight for one in departments])[0]
