"""Holds every metric of a simulated month against what really happened in it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner
from deskoracle.catalogue import ORACLES
from deskoracle.compare import differences

from analytics import queries
from analytics.archive import LOOK_AHEAD, LOOK_BACK
from analytics.cli import cli
from analytics.settings import Settings

DAY = timedelta(days=1)
FIRST, AFTER = date(2025, 10, 10), date(2025, 11, 10)
LONG_DAY = date(2025, 10, 26)
"""It has 25 hours."""
ABOUT_THE_RECORDING = {"coverage_by_day", "data_quality"}
ABOUT_STAFFING = {"handle_time_by_concurrency", "load_by_interval"}
"""They feed the models of `analytics capacity`, and are held with those."""
OF_LONG_CHATS = {"handle_time", "agent_handle_time"}
"""Since when an agent has a chat that he was given earlier than a report reads, nothing tells."""
TARGETS = Settings(
    answer_target_s=20,
    reply_target_s=45,
    short_wait_s=8,
    idle_limit_s=900,
    pause_limit_s=60,
    chat_limit=3,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(month, ask):
    return ask(month, FIRST, AFTER)


@pytest.fixture(scope="module")
def opened(asked):
    with asked.ask() as one:
        yield one


def test_every_metric_of_chats_and_people_has_an_oracle():
    assert set(ORACLES) == set(queries.METRICS) - ABOUT_THE_RECORDING - ABOUT_STAFFING


@pytest.mark.parametrize("name", ORACLES)
def test_the_month_is_true(asked, opened, name):
    assert asked.differences(opened, [name]) == []


@pytest.mark.parametrize("base", ["answered", "offered", "no-abandon"])
def test_the_month_is_true_by_other_targets_and_limits(month, ask, base):
    settings = Settings(**vars(TARGETS) | {"service_base": base})
    asked = ask(month, FIRST, AFTER, settings)
    names = [name for name in ORACLES if reads_settings(name) or base == "answered"]

    with asked.ask() as opened:
        assert asked.differences(opened, names) == []


def reads_settings(name):
    return "service_base" in queries.load("metrics", name).params


def test_the_day_of_25_hours_is_told_by_the_report(month, ask):
    window = ["--since", LONG_DAY, "--until", LONG_DAY + DAY, "--tz", "Europe/Rome"]
    arguments = ["report", "--archive", month.root, *window, "--all", "--no-compare"]
    looks = ["--look-back", "all", "--look-ahead", "all", "--format", "json"]
    done = CliRunner().invoke(cli, [str(one) for one in [*arguments, *looks]])
    assert done.exit_code == 0, done.output

    told = json.loads(done.stdout)["metrics"]
    asked = ask(month, LONG_DAY, LONG_DAY + DAY)
    for name in ORACLES:
        true = [plain(row) for row in ORACLES[name](month.book, asked.window)]
        assert differences(told[name], true) == [], name


def plain(row):
    """Return a row as JSON shows it."""
    return {name: written(value) for name, value in row.items()}


def written(value):
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("day", [FIRST + 4 * DAY, AFTER - 9 * DAY])
def test_a_day_is_true_as_far_as_a_report_looks(month, ask, day):
    """By default it reads two days back and a week ahead: the rest is not known to it."""
    asked = ask(month, day, day + DAY)
    names = [name for name in ORACLES if name not in OF_LONG_CHATS]

    within = [name for name in names if queries.stays_within([name])]
    for only in (names, within):
        with asked.ask((LOOK_BACK, LOOK_AHEAD), only) as opened:
            assert asked.differences(opened, only, month.seen_from(day)) == []
    assert len(within) > 40


def test_the_last_days_are_true_with_chats_still_open(month, ask):
    """At the end of a recording some wait, some talk, and nobody knows what comes of it."""
    asked = ask(month, month.after - 2 * DAY, month.after + DAY)

    with asked.ask() as opened:
        assert asked.differences(opened) == []
    assert any(session.closed is None for session in month.book.sessions)


def test_the_first_day_is_true_from_when_the_recording_began(month, ask):
    asked = ask(month, month.first, month.first + DAY)

    with asked.ask() as opened:
        assert asked.differences(opened) == []
