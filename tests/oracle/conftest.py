"""A simulated month, recorded once; what really happened in it; and how to ask about both."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from analytics import archive, metrics
from analytics.archive import LOOK_AHEAD, LOOK_BACK
from analytics.folder import Folder
from analytics.hours import OpeningHours
from analytics.settings import Settings
from analytics.window import choose
from archiver.cli import cli
from archiver.simulate.settings import PROJECT_ID

sys.path.insert(0, str(Path(__file__).parent))  # the oracle is a package of these tests only

from deskoracle import book, truth, window
from deskoracle.catalogue import ORACLES
from deskoracle.compare import differences

DAY = timedelta(days=1)
EVERYTHING = (None, None)
Look = tuple[timedelta | None, timedelta | None]


@dataclass(frozen=True)
class Recorded:
    """A desk's archive and its truth: UTC days [first, after)."""

    root: Path
    truth: Path
    first: date
    after: date

    @cached_property
    def book(self) -> book.Book:
        """What really happened."""
        return truth.read(self.truth.read_text("utf-8").splitlines())

    def known_at(self, last: datetime) -> book.Book:
        """Return what was known at an instant (UTC)."""
        return truth.read(self.truth.read_text("utf-8").splitlines(), last=f"{last:%FT%T}.000Z")

    def seen_from(self, day: date) -> book.Book:
        """Return what a report of a day knows, as far as it looks (partitions are days UTC)."""
        lines = self.truth.read_text("utf-8").splitlines()
        first = truth.instant(f"{day - LOOK_BACK - DAY}T00:00:00Z")
        return truth.read(lines, first, f"{day + LOOK_AHEAD + DAY}T00:00:00.000Z")

    @property
    def now(self) -> datetime:
        """When the recording ended."""
        return datetime.combine(self.after, datetime.min.time())

    @cached_property
    def covered(self) -> tuple[tuple[int, int], ...]:
        """For what the recorder vouches, by the notes that it left in the archive."""
        found = []
        for part in self.root.glob("project_id=*/*/*.parquet"):
            rows = pq.ParquetFile(part).read(columns=["kind", "payload"]).to_pylist()
            notes = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
            found += [
                (truth.instant(note["since"]), truth.instant(note["until"]))
                for note in notes
                if note["control"] == "covered"
            ]
        return tuple(window.union(found))


@dataclass(frozen=True)
class Asked:
    """A question to a recording: local days, and what else an answer depends on."""

    of: Recorded
    since: date
    until: date
    settings: Settings = field(default_factory=Settings)
    hours: OpeningHours | None = None
    open: tuple[tuple[str, int, int], ...] = ()
    """The same hours, for the oracle."""
    past: datetime | None = None
    """An instant (UTC) of which nothing later is to be known."""

    @property
    def now(self) -> datetime:
        """The instant of asking: the end of the recording, if it is not to be earlier."""
        return self.past or self.of.now

    @cached_property
    def window(self) -> window.Window:
        """The same question, for the oracle."""
        one = self.settings
        targets = window.Targets(
            one.answer_target_s,
            one.reply_target_s,
            one.short_wait_s,
            one.service_base,
            one.idle_limit_s,
            one.pause_limit_s,
            one.chat_limit,
        )
        now = truth.instant(f"{self.now:%FT%T}Z")
        about = (one.breakdown, targets, self.open)
        return window.Window(self.since, self.until, window.ZONE, now, self.of.covered, *about)

    @contextmanager
    def ask(self, look: Look = EVERYTHING, only: Any = None) -> Iterator[archive.Archive]:
        """Open the archive, as if the recording had ended just now."""
        is_past = self.past is not None
        chosen = choose(self.since, self.until, window.ZONE.key, self.now, is_past=is_past)
        about = {"settings": self.settings, "hours": self.hours, "only": only}
        with archive.connect(Folder(self.of.root), PROJECT_ID, chosen, *look, **about) as opened:
            yield opened

    def differences(
        self, opened: archive.Archive, names: Any = ORACLES, known: book.Book | None = None
    ) -> list[str]:
        """Return how the archive's answers differ from the oracle's."""
        return [
            f"{name} {line}"
            for name in names
            for line in differences(
                metrics.run(opened, name).records(),
                ORACLES[name](known or self.of.book, self.window),
            )
        ]


@pytest.fixture(scope="session")
def ask() -> type[Asked]:
    """Return how to ask a recording."""
    return Asked


@pytest.fixture(scope="session")
def record(once: Callable[..., Path]) -> Callable[..., Recorded]:
    """Record a simulated desk with the command that users have for it."""

    def call(first: date, after: date, *options: str | int) -> Recorded:
        def run(folder: Path) -> None:
            one = Recorded(folder / "archive", folder / "truth.jsonl", first, after)
            arguments = ["--archive", one.root, "--truth", one.truth, "--tz", window.ZONE.key]
            arguments += ["--days", (after - first).days, "--until", after, *options]
            command = ["simulate", "history", *map(str, arguments)]
            done = CliRunner().invoke(cli, command, catch_exceptions=False)
            assert done.exit_code == 0, done.output

        asked = repr((first, after, *options)).encode()
        folder = once(f"desk-{hashlib.sha256(asked).hexdigest()[:16]}", run)
        return Recorded(folder / "archive", folder / "truth.jsonl", first, after)

    return call


@pytest.fixture(scope="session")
def month(record: Callable[..., Recorded]) -> Recorded:
    """Record a desk: two days before, the month in which summer time ends, two days after it."""
    return record(date(2025, 10, 8), date(2025, 11, 12), "--chats-per-day", 40)
