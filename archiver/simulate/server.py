"""`archiver simulate serve`: a simulated desk behind a real WebSocket server on loopback.

The desk's clock follows the real one at a chosen speed; what the desk is and how the server
answers is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from archiver.simulate.desk import Desk
from archiver.simulate.hub import Hub
from archiver.simulate.settings import DeskSettings
from archiver.simulate.truth import create, discard
from archiver.simulate.wire import Faults, Wire

_LONGEST_NAP_S = 0.1
_LONGEST_STEP_S = 0.02
_INJECTION_EVERY_S = 1.0


@dataclass(frozen=True)
class Serving:
    """How to serve: where, for whom, how fast, and what to write down."""

    port: int = 0
    token: str = "simulated"  # noqa: S105
    speed: float = 1.0
    start_ms: int | None = None
    duration_s: float | None = None
    truth: Path | None = None
    log: Path | None = None
    faults: Faults = field(default_factory=Faults)


def serve(settings: Sequence[DeskSettings], serving: Serving) -> None:
    """Serve desks until the duration is over or a signal comes; then tell the truth."""
    with ExitStack() as files:
        truth = files.enter_context(create(serving.truth)) if serving.truth else None
        log = files.enter_context(create(serving.log)) if serving.log else None
        hub = Hub(serving.faults.refuse)
        start_ms = time.time_ns() // 1_000_000 if serving.start_ms is None else serving.start_ms
        sink = truth.write if truth else discard
        desks = [Desk(one, start_ms, hub, sink) for one in settings]
        wire = Wire(hub, serving.token, serving.faults, log)
        projects = [one.project_id for one in settings]
        asyncio.run(_serve(wire, desks, serving, start_ms, _Injector(hub, projects)))
        for desk in desks:
            desk.finish()


async def _serve(
    wire: Wire, desks: list[Desk], serving: Serving, start_ms: int, injector: _Injector
) -> None:
    async with wire.listening(serving.port) as url:
        print(url, flush=True)  # noqa: T201
        lives = [asyncio.create_task(_live(wire, desks, serving.speed, start_ms))]
        if serving.faults.inject_untrusted:
            lives.append(asyncio.create_task(injector.run(wire)))
        lives.append(asyncio.create_task(until_stopped(serving.duration_s)))
        done, others = await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        for task in done:
            task.result()


async def until_stopped(duration_s: float | None = None) -> None:
    """Return when a signal asks for the end, or the time is over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await asyncio.wait_for(stop.wait(), duration_s)
    except TimeoutError:
        return


async def _live(wire: Wire, desks: list[Desk], speed: float, start_ms: int) -> None:
    """Keep the desks' clocks in step with ours, in steps short enough to answer in between."""
    began = time.monotonic()
    while True:
        now_ms = start_ms + int((time.monotonic() - began) * 1000 * speed)
        rest_until = time.monotonic() + _LONGEST_STEP_S
        next_ms = min(desk.next_at() for desk in desks)
        while next_ms <= now_ms and time.monotonic() < rest_until:
            for desk in desks:
                desk.advance(next_ms)
            next_ms = min(desk.next_at() for desk in desks)
        wire.flush()
        await asyncio.sleep(min(_LONGEST_NAP_S, max(0.0, (next_ms - now_ms) / 1000 / speed)))


class _Injector:
    """Another client of the server, who publishes into topics that are not his."""

    def __init__(self, hub: Hub, projects: list[str]) -> None:
        self._hub = hub
        self._projects = projects

    async def run(self, wire: Wire) -> None:
        """Inject a frame into each project's requests, again and again."""
        number = 0
        while True:
            await asyncio.sleep(_INJECTION_EVERY_S)
            number += 1
            for project in self._projects:
                spoof = {"spoof": number, "status": 1000, "id_project": project}
                self._hub.publish(f"/{project}/requests", None, spoof)
            wire.flush()
