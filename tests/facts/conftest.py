"""A desk recorded once, and archives that begin without a part of it or with all that is kept."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR

sys.path.insert(0, str(Path(__file__).parents[1]))  # what is shared with other tests
sys.path.insert(0, str(Path(__file__).parent))

from growing import Growing


@pytest.fixture(scope="session")
def whole(once: Callable[..., Path]) -> Path:
    """Record a desk from 2 to 10 March 2026 by two recorders, each with a gap of its own."""
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    span, settings = Span(start, start + 9 * DAY), DeskSettings(chats_per_day=25)
    gaps = {"main": start + 3 * DAY + 8 * HOUR, "twin": start + 3 * DAY + 10 * HOUR}

    def record(root: Path) -> None:
        for recorder, since in gaps.items():
            gap = Span(since, since + 5 * HOUR)
            record_history(settings, Plan(root, span, (gap,), recorder=recorder))

    return once("desk-with-facts", record)


@pytest.fixture(scope="session")
def kept(whole: Path, once: Callable[..., Path]) -> Path:
    """Keep facts of all of it, in several batches."""

    def keep(root: Path) -> None:
        one = Growing.beside(whole, root)
        one.add(one.left())
        assert one.build().chats > 150

    return once("desk-with-facts-kept", keep)


@pytest.fixture
def built(whole: Path, kept: Path, tmp_path: Path) -> Growing:
    """Return a copy of it with what is kept, to do with as one likes."""
    shutil.copytree(kept, tmp_path / "built")
    return Growing(whole, tmp_path / "built")


@pytest.fixture
def growing(whole: Path, tmp_path: Path) -> Growing:
    """Begin an archive without a part."""
    return Growing.beside(whole, tmp_path)
