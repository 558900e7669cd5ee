"""A plausible support desk behind a simulated server: people who come, and people who work.

A discrete-event simulation on its own clock. The same settings and start give the same frames
and the same truth, byte for byte, however fast and in however many steps it is advanced. It
opens no socket and knows no real time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from archiver.simulate.arrivals import Arrivals
from archiver.simulate.hub import Hub
from archiver.simulate.life import Life
from archiver.simulate.people import Agent, hire
from archiver.simulate.service import Service
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, MINUTE, SECOND, Process, Timeline
from archiver.simulate.truth import Sink, Truth, discard

FLAP_SHARE = 0.7
"""Of the times that an agent's socket drops, those that last less than a minute."""


class Desk:
    """One project: its server, its staff, its visitors."""

    def __init__(
        self, settings: DeskSettings, start_ms: int, hub: Hub, truth: Sink = discard
    ) -> None:
        self._rng = Random(f"{settings.seed}/{settings.project_id}/{start_ms}")
        self._zone = ZoneInfo(settings.time_zone)
        self._timeline = Timeline(start_ms)
        staff = hire(settings)
        book = Truth(settings.project_id, truth)
        self._service = Service(settings, staff, self._timeline, hub, book, self._rng)
        self._arrivals = Arrivals(settings, staff, self._rng)
        hub.serve(settings.project_id, self._service)
        for agent in staff.agents:
            self._timeline.spawn(self._work(agent))
        self._timeline.spawn(self._open_doors())
        self._timeline.spawn(self._change_limits())

    def advance(self, until_ms: int) -> None:
        """Let everything happen up to and including an instant."""
        self._timeline.advance(until_ms)

    def next_at(self) -> int:
        """Return when something happens next."""
        at = self._timeline.next_at()
        return self._timeline.now if at is None else at  # doors never close: there is a next

    def finish(self) -> None:
        """Tell the truth about what is still going on; nothing happens after this."""
        self._service.finish()

    def _open_doors(self) -> Process:
        yield self._arrivals.wait_ms(self._timeline.now)
        while True:
            life = Life(self._service, self._arrivals.draw(), self._rng)
            self._timeline.spawn(life.run())
            yield self._arrivals.wait_ms(self._timeline.now)

    def _work(self, agent: Agent) -> Process:
        """One shift after the other, for ever."""
        while True:
            begins, ends = self._next_shift(agent)
            yield begins - self._timeline.now + self._minutes(-10, 2)
            self._service.appear(agent, "online")
            yield self._minutes(0, 5)
            agent.is_on_duty = True
            self._timeline.spawn(self._lose_connection(agent))
            self._service.switch(agent, available=True)
            for pause_at, length in self._pauses(begins, ends):
                if pause_at > self._timeline.now:
                    yield pause_at - self._timeline.now
                    yield from self._pause(agent, length)
            yield max(1, ends - self._minutes(5, 20) - self._timeline.now)
            self._service.switch(agent, available=False)  # finishes what he has, takes no more
            yield max(1, ends + self._minutes(0, 15) - self._timeline.now)
            agent.is_on_duty = False
            self._service.appear(agent, "offline")

    def _lose_connection(self, agent: Agent) -> Process:
        """Drop an agent's socket now and then while he works, mostly for seconds."""
        while True:
            yield self._minutes(40, 300)
            if not agent.is_on_duty:
                return
            self._service.appear(agent, "offline")
            is_flap = self._rng.random() < FLAP_SHARE
            yield self._rng.randint(2, 50) * SECOND if is_flap else self._minutes(2, 20)
            if not agent.is_on_duty:
                return
            self._service.appear(agent, "online")

    def _change_limits(self) -> Process:
        """Change an agent's own limit of chats from time to time."""
        while True:
            yield int(self._rng.expovariate(1 / self._service.settings.limit_days) * DAY)
            agent = self._rng.choice(self._service.staff.agents)
            self._service.limit(agent, self._rng.choice((-1, -1, 2, 3, 5)))

    def _pause(self, agent: Agent, length: int) -> Process:
        is_lunch = length > 20 * MINUTE
        agent.is_away = True
        profile_status = "inactive" if is_lunch or self._rng.random() < 0.5 else ""
        self._service.switch(agent, available=False, profile_status=profile_status)
        yield length
        agent.is_away = False
        self._service.switch(agent, available=True)

    def _pauses(self, begins: int, ends: int) -> list[tuple[int, int]]:
        """Return when an agent pauses and for how long: lunch and some short ones."""
        lunch = (begins + (ends - begins) * 45 // 100 + self._minutes(-25, 25), 45)
        short = [
            (
                begins + (ends - begins) * share // 100 + self._minutes(-20, 20),
                self._rng.randint(5, 15),
            )
            for share in (20, 75)
            if self._rng.random() < 0.8
        ]
        return [(at, minutes * MINUTE) for at, minutes in sorted([lunch, *short])]

    def _next_shift(self, agent: Agent) -> tuple[int, int]:
        """Return the next shift that is not over yet, on the local clock, in milliseconds."""
        now = datetime.fromtimestamp(self._timeline.now / 1000, self._zone)
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        while True:
            first, last = (round(day.replace(hour=hour).timestamp() * 1000) for hour in agent.shift)
            if day.weekday() not in agent.days_off and last - 30 * MINUTE > self._timeline.now:
                return first, last
            day += timedelta(days=1)

    def _minutes(self, least: int, most: int) -> int:
        return self._rng.randint(least * MINUTE, most * MINUTE)
