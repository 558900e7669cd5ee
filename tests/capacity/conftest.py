"""A recorded desk to plan for, and how to ask the command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analytics.cli import cli
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR


@pytest.fixture(scope="session")
def recorded(once: Callable[..., Path]) -> Path:
    """Record a desk from Monday 2 to Wednesday 25 March 2026; Tuesday 10 lacks 10:00 to 14:00."""
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    hole = start + 8 * DAY + 9 * HOUR  # an hour behind the clocks of Rome
    span, gap = Span(start, start + 24 * DAY), Span(hole, hole + 4 * HOUR)
    settings = DeskSettings(chats_per_day=45, agents=5, departments=2)
    return once("desk-to-plan", lambda root: record_history(settings, Plan(root, span, (gap,))))


@pytest.fixture
def ask(recorded: Path) -> Callable[..., Result]:
    """Run `analytics capacity` on the recorded desk, on Thursday 26 March; bugs are raised."""

    def call(*arguments: object, **environment: str) -> Result:
        said = ["capacity", "--archive", recorded, "--tz", "Europe/Rome", *arguments]
        if "--date" not in said and "--until" not in said:
            said += ["--since", "2026-03-02", "--until", "2026-03-26"]
        done = CliRunner(env=environment).invoke(cli, [str(one) for one in said])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call
