"""What a usual day is: the same weekday of the last weeks, as far as it was recorded."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from click.testing import CliRunner

import analytics
from analytics import metrics
from analytics.config import Config
from analytics.dashboard.normal import by_hour, normal
from analytics.folder import Folder
from archiver.cli import cli as archiver

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FRIDAY = date(2026, 11, 20)
BEFORE = (date(2026, 11, 13), date(2026, 11, 6))
NOW = datetime(2026, 11, 20, 12)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two weeks and a Friday; on the older Friday, the recorder was away for half of the day."""
    folder = tmp_path_factory.mktemp("normal") / "archive"
    asked = ["simulate", "history", "--archive", folder, "--days", 15, "--until", "2026-11-21"]
    asked += ["--chats-per-day", 30, "--agents", 3, "--tz", "UTC"]
    asked += ["--gap", "2026-11-06T06:00:00Z/2026-11-06T18:00:00Z"]
    done = CliRunner().invoke(archiver, [str(one) for one in asked])
    assert done.exit_code == 0, done.output
    return folder


def usual(root, **told):
    return normal(Folder(root), PROJECT, Config().desk(PROJECT, told), FRIDAY, NOW)


def test_a_day_counts_as_the_metric_counts_it(root):
    found = usual(root)
    with analytics.open(root, since=BEFORE[0], until=FRIDAY).archive as archive:
        day = metrics.run(archive, "chats_offered").records()[0]

    assert found.days == BEFORE[:1]
    assert found.until("opened", 24, 0) == day["sessions_count"] > 5
    assert sum(found.by_hour("opened")) == day["sessions_count"]
    assert found.until("opened", 0, 0) == 0


def test_a_day_that_was_hardly_recorded_counts_only_if_that_is_enough(root):
    found = usual(root, coverage_threshold=0.3)

    assert found.days == BEFORE
    assert found.until("opened", 24, 0) == sum(by_hour(found.happenings, "opened")) / 2


def test_without_such_days_there_is_no_usual_one(root):
    desk = Config().desk(PROJECT, {})
    found = normal(Folder(root), PROJECT, desk, date(2026, 10, 1), datetime(2026, 10, 1, 12))

    assert found.days == ()
    assert found.until("opened", 24, 0) is None
    assert found.by_hour("opened") is None
