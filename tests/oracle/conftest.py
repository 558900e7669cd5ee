"""A simulated week, recorded once; what really happened in it; and how to ask about both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from analytics import archive, metrics
from analytics.folder import Folder
from analytics.window import choose
from archiver.cli import cli
from archiver.simulate.settings import PROJECT_ID

sys.path.insert(0, str(Path(__file__).parent))  # the oracle is a package of these tests only

from deskoracle import book, window
from deskoracle.catalogue import ORACLES
from deskoracle.compare import differences

ZONE = "Europe/Rome"


@dataclass(frozen=True)
class Recorded:
    """A desk's archive and its truth: UTC days [first, after), but for a gap in the recording."""

    root: Path
    truth: Path
    first: date
    after: date
    gap: tuple[str, str] | None = None

    @cached_property
    def book(self) -> book.Book:
        """What really happened."""
        return self.read()

    def read(self, last: datetime | None = None) -> book.Book:
        """Return what had happened, as far as a recorder can know it, at an instant (UTC)."""
        lines = self.truth.read_text("utf-8").splitlines()
        return book.read(lines) if last is None else book.read(lines, f"{last:%FT%T}.000Z")

    @property
    def now(self) -> datetime:
        """When the recording ended."""
        return datetime.combine(self.after, datetime.min.time())

    def window(self, since: date, until: date) -> window.Window:
        """Return local days, for the oracle."""
        ends = [f"{day}T00:00:00Z" for day in (self.first, self.after)]
        edges = [book.instant(edge) for edge in sorted([*ends, *(self.gap or ())])]
        covered = tuple(zip(edges[::2], edges[1::2], strict=True))
        return window.Window(since, until, ZoneInfo(ZONE), edges[-1], covered)

    @contextmanager
    def open(
        self, since: date, until: date, look: tuple[timedelta | None, timedelta | None]
    ) -> Iterator[archive.Archive]:
        """Open the archive for local days, as if the recording had ended just now."""
        chosen = choose(since, until, ZONE, self.now)
        with archive.connect(Folder(self.root), PROJECT_ID, chosen, *look) as opened:
            yield opened


@pytest.fixture(scope="session")
def compare() -> Callable[..., list[str]]:
    """Return how an open archive's answers differ from the oracle's."""

    def call(
        opened: archive.Archive, known: book.Book, asked: window.Window, *names: str
    ) -> list[str]:
        return [
            f"{name} {line}"
            for name in names or ORACLES
            for line in differences(
                metrics.run(opened, name).records(), ORACLES[name](known, asked)
            )
        ]

    return call


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """Record a simulated desk with the command that users have for it."""

    def call(
        first: date, after: date, *options: str, gap: tuple[str, str] | None = None
    ) -> Recorded:
        folder = tmp_path_factory.mktemp("desk")
        one = Recorded(folder / "archive", folder / "truth.jsonl", first, after, gap)
        arguments = ["--archive", one.root, "--truth", one.truth, "--tz", ZONE]
        arguments += ["--days", (after - first).days, "--until", after, *options]
        arguments += ["--gap", "/".join(gap)] if gap else []
        command = ["simulate", "history", *map(str, arguments)]
        done = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return one

    return call


@pytest.fixture(scope="session")
def week(record: Callable[..., Recorded]) -> Recorded:
    """Record a desk: two days before, the week in which summer time ends, four days after it."""
    return record(date(2025, 10, 20), date(2025, 11, 2))
