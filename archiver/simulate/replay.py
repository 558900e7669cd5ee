"""`archiver simulate replay`: a recording of a real server, served as if it happened now.

Every time in it is moved by one constant, so that the last line is played at its own time;
nothing else is changed. Lines keep their order and, divided by the speed, their distances; after
a recorded cut the server is away as long as it was, and goes on with the next client.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from archiver.simulate import capture
from archiver.simulate.capture import Life, Line
from archiver.simulate.server import until_stopped
from archiver.simulate.stage import Stage
from archiver.simulate.truth import create
from archiver.simulate.wire import Wire

WAIT_S = 2.0
"""How long a line waits for somebody to subscribe to its topic, who can know of it."""
SHORT_WAIT_S = 0.25
"""… and who cannot, as nothing sent so far has named it."""


@dataclass(frozen=True)
class Playing:
    """How to replay: where, for whom, how fast, and what to write down."""

    port: int = 0
    token: str = "simulated"  # noqa: S105
    speed: float = 1.0
    is_shifted: bool = True
    linger_s: float | None = None
    log: Path | None = None


def replay(path: Path, playing: Playing) -> None:
    """Serve a recording until it is over and the time after it, or until a signal comes."""
    lives = capture.read(path)
    with ExitStack() as files:
        log = files.enter_context(create(playing.log)) if playing.log else None
        stage = Stage(capture.refused(lives))
        wire = Wire(stage, playing.token, log=log)
        player = Player(lives, stage, wire, playing)
        asyncio.run(_serve(player, wire, playing))
        click.echo(player.summary(), err=True)


async def _serve(player: Player, wire: Wire, playing: Playing) -> None:
    async with wire.listening(playing.port) as url:
        print(url, flush=True)  # noqa: T201
        stopped = asyncio.create_task(until_stopped())
        played = asyncio.create_task(player.run())
        await asyncio.wait({stopped, played}, return_when=asyncio.FIRST_COMPLETED)
        if played.done():
            played.result()
            click.echo("the recording is over", err=True)
            await asyncio.wait({stopped}, timeout=playing.linger_s)
        for task in (stopped, played):
            task.cancel()


class Player:
    """Walks through a recording, line by line."""

    def __init__(self, lives: list[Life], stage: Stage, wire: Wire, playing: Playing) -> None:
        self._lives = lives
        self._stage = stage
        self._wire = wire
        self._speed = playing.speed
        self._is_shifted = playing.is_shifted
        self._offset_ms = 0
        self._origin = 0.0
        self._hopeless: set[str] = set()
        self._subscribed = asyncio.Event()
        self._played = self._sent = 0
        stage.on_subscribe = self._subscribed.set

    def summary(self) -> str:
        """Say in a line what became of the recording."""
        total = sum(len(life.lines) for life in self._lives)
        unsent = self._played - self._sent
        return (
            f"played {self._played} of {total} lines over {len(self._lives)} connections;"
            f" {unsent} had no subscriber; times moved by {self._offset_ms} ms"
        )

    async def run(self) -> None:
        """Play everything, beginning when the first client comes."""
        for number, life in enumerate(self._lives):
            self._stage.begin(life.lines)
            self._stage.look_ahead(life.opened + WAIT_S * self._speed)
            await self._wire.arrived.wait()
            if not number:
                self._place_in_time()
            await self._play(life)
            if life is not self._lives[-1]:
                await self._cut(life, self._lives[number + 1].opened)

    def _place_in_time(self) -> None:
        first, last = self._lives[0].opened, self._lives[-1].lines[-1].at
        if self._is_shifted:
            lasts = (last - first) / self._speed
            self._offset_ms = round((time.time() + lasts - last) * 1000)

    async def _play(self, life: Life) -> None:
        self._origin = time.monotonic()
        for line in life.lines:
            await self._due(line.at - life.opened)
            self._stage.look_ahead(line.at + WAIT_S * self._speed)
            await self._somebody(line)
            self._played += 1
            self._sent += self._stage.play(line, capture.shifted(line.text, self._offset_ms))
            self._wire.flush()
        await self._due(life.ended - life.opened)

    async def _due(self, recorded_s: float) -> None:
        at = self._origin + recorded_s / self._speed
        await asyncio.sleep(max(0.0, at - time.monotonic()))

    async def _somebody(self, line: Line) -> None:
        """Wait a while for a subscriber, once a topic; what follows is late by as much."""
        began = time.monotonic()
        topic = line.topic or ""
        if not self._stage.awaits(line):
            self._hopeless.discard(topic)
        elif topic not in self._hopeless and self._wire.clients:
            limit = WAIT_S if self._stage.is_named(topic) else SHORT_WAIT_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._until_followed(line), limit)
            if self._stage.awaits(line):
                self._hopeless.add(topic)
        self._origin += time.monotonic() - began

    async def _until_followed(self, line: Line) -> None:
        while self._stage.awaits(line):
            self._subscribed.clear()
            await self._subscribed.wait()

    async def _cut(self, life: Life, until: float) -> None:
        """End every connection as the recorded one ended; be away as long as it was."""
        self._wire.is_open.clear()
        self._hopeless.clear()
        began = time.monotonic()
        await self._wire.end_all(politely=not life.is_dropped)
        self._wire.arrived.clear()
        away = (until - life.ended) / self._speed
        await asyncio.sleep(max(0.0, away - (time.monotonic() - began)))
        self._wire.is_open.set()
