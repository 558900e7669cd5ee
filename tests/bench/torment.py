"""Lets recorders live through faults: kills at random, cuts, and a server that dies.

A desk with two projects cuts its sockets again and again, and is killed now and then. The *victim*
records one project and is killed at random; the *survivor* records the other one and lives through
everything else, so that what grows in it would show. Says what was done, judges nothing.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from judge import Span
from lifetime import Lifetime

BIN = Path(sys.executable).parent
VICTIM, SURVIVOR = "5f6c1d2e3a4b5c6d7e8f9a0b", "5f6c1d2e3a4b5c6d7e8f9a0c"
CUT_EVERY = 61.0
DESK_LIVES = 300.0  # at 60 times the real speed: five hours, from the morning on
MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
PATIENCE = 30
LIVELY = ("--speed", "60", "--chats-per-day", "4000", "--agents", "40")
ROLL = ("--roll-seconds", "2")


@dataclass
class Desk:
    """A simulated server for both projects, in one life after the other, always on one port."""

    folder: Path
    seed: int
    cut_every: float
    logs: list[Path] = field(default_factory=list)
    dead: list[Span] = field(default_factory=list)
    url: str = ""

    def start(self) -> None:
        """Begin a life on the morning of the next day."""
        port = self.url.rstrip("/").rpartition(":")[2] or "0"
        begins = (MORNING + timedelta(days=len(self.logs))).isoformat()
        self.logs.append(self.folder / f"sent-{len(self.logs)}.jsonl")
        command = [BIN / "archiver", "simulate", "serve", "--port", port, "--start", begins]
        command += ["--project", VICTIM, "--project", SURVIVOR, "--seed", str(self.seed), *LIVELY]
        command += ["--drop-every", str(self.cut_every), "--log", self.logs[-1]]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def kill(self) -> None:
        """Die without a word, and come back."""
        self.end(signal.SIGKILL)
        died = time.time()
        self.start()
        self.dead.append(Span(died, time.time()))

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Recorder:
    """`archiver record` of one project, in one life after the other."""

    folder: Path
    name: str
    project: str
    lives: list[Lifetime] = field(default_factory=list)
    dead: list[Span] = field(default_factory=list)
    kills: int = 0
    sealers_killed: int = 0

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / f"{self.name}.log"

    def start(self, url: str) -> None:
        """Begin a life; it seals often."""
        command = [BIN / "archiver", "record", "--archive", self.folder / "archive", "--url", url]
        command += ["--recorder", self.name, "--project", self.project, *ROLL]
        environment = os.environ | {"TILEDESK_TOKEN": "simulated"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, env=environment)
        self.lives.append(Lifetime(self.process.pid))

    def look(self) -> None:
        """Take a sample; a recorder that ended by itself ends everything."""
        if self.process.poll() is not None:
            sys.exit(f"a recorder ended with status {self.process.returncode}: {self.log}")
        self.lives[-1].look()

    def kill(self, url: str, chance: random.Random) -> None:
        """Die at any moment, sometimes held up before, sometimes with who seals; come back."""
        self.look()
        if chance.random() < 0.5:  # what arrives meanwhile is sent, and never read
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.05, 1.0))
        sealers = at_work(self.process.pid) if chance.random() < 0.5 else []
        self.process.kill()
        self.process.wait()
        died = time.time()
        for sealer in sealers:
            with suppress(psutil.NoSuchProcess):
                sealer.kill()
        self.kills += 1
        self.sealers_killed += len(sealers)
        self.dead.append(Span(died, time.time()))
        self.start(url)

    def stop(self) -> None:
        """End as a service is ended."""
        self.look()
        self.process.send_signal(signal.SIGTERM)
        if status := self.process.wait(PATIENCE):
            sys.exit(f"a clean stop ended with status {status}: {self.log}")


def at_work(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started and that have not ended."""
    found = []
    for one in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            found += [one] if one.status() != psutil.STATUS_ZOMBIE else []
    return found


class Torment:
    """A desk, a victim and a survivor over one archive."""

    def __init__(self, folder: Path, seconds: float, rounds: int, seed: int) -> None:
        self.seconds = seconds
        self.rounds = rounds
        self.desk = Desk(folder, seed, min(CUT_EVERY, seconds / 12))
        self.victim = Recorder(folder, "victim", VICTIM)
        self.survivor = Recorder(folder, "survivor", SURVIVOR)
        self._chance = random.Random(seed)

    def run(self) -> None:
        """Let everything happen, then stop everybody."""
        self.desk.start()
        try:
            for one in (self.victim, self.survivor):
                one.start(self.desk.url)
            self._live()
            for one in (self.victim, self.survivor):
                one.stop()
            self.desk.end()
        finally:
            self._abandon()

    def _live(self) -> None:
        began = time.monotonic()
        for at, is_kill in schedule(self.seconds, self.rounds, self._chance):
            self._watch(began + at)
            if is_kill:
                self.victim.kill(self.desk.url, self._chance)
            else:
                self.desk.kill()
            self._ask()
        self._watch(began + self.seconds)

    def _ask(self) -> None:
        """Look at the archive as an operator does, while everything goes on."""
        archive = self.victim.folder / "archive"
        if (archive / "archive.json").exists():  # who is killed at once has not begun it
            command = [BIN / "archiver", "status", "--archive", archive]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def _watch(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            self.victim.look()
            self.survivor.look()

    def _abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        for one in (self.desk, self.victim, self.survivor):
            process = getattr(one, "process", None)
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def schedule(seconds: float, rounds: int, chance: random.Random) -> list[tuple[float, bool]]:
    """Return when the victim (True) and the desk (False) die: a kill in each of `rounds` slots."""
    slot = seconds / rounds
    kills = [((number + chance.random()) * slot, True) for number in range(rounds)]
    deaths = max(2, int(seconds / DESK_LIVES))
    desks = [((number + 1) * seconds / (deaths + 1), False) for number in range(deaths)]
    return sorted(kills + desks)
