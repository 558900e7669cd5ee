"""Holds every metric of a simulated week against what really happened in it."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import pytest
from click.testing import CliRunner
from deskoracle.catalogue import ORACLES
from deskoracle.compare import differences

from analytics import queries
from analytics.archive import LOOK_AHEAD, LOOK_BACK
from analytics.cli import cli
from analytics.report import records

DAY = timedelta(days=1)
FIRST, AFTER = date(2025, 10, 22), date(2025, 10, 29)
DAYS = [FIRST + number * DAY for number in range(7)]
EVERYTHING = (None, None)
ABOUT_THE_RECORDING = {"coverage_by_day", "data_quality"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(week):
    """Return the week's report, as the command prints it."""
    window = ["--since", FIRST, "--until", AFTER, "--tz", "Europe/Rome"]
    looks = ["--look-back", "all", "--look-ahead", "all"]
    arguments = ["report", "--all", "--archive", week.root, *window, *looks, "--format", "json"]
    done = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_every_metric_of_chats_and_people_has_an_oracle():
    assert set(ORACLES) == set(queries.METRICS) - ABOUT_THE_RECORDING


@pytest.mark.parametrize("name", ORACLES)
def test_the_week_s_report_is_true(week, report, name):
    true = records(list(ORACLES[name](week.book, week.window(FIRST, AFTER))))

    assert differences(report["metrics"][name], true) == []


@pytest.mark.parametrize("day", DAYS)
def test_each_day_is_true(week, compare, day):
    with week.open(day, day + DAY, EVERYTHING) as opened:
        assert compare(opened, week.book, week.window(day, day + DAY)) == []


@pytest.mark.parametrize("day", DAYS[::2])
def test_a_day_is_true_as_far_as_a_report_looks(week, compare, day):
    """By default it reads a week ahead: what closed or was rated later is not known to it."""
    last = datetime.combine(day + LOOK_AHEAD + DAY, time())

    with week.open(day, day + DAY, (LOOK_BACK, LOOK_AHEAD)) as opened:
        assert compare(opened, week.read(last), week.window(day, day + DAY)) == []


def test_the_last_days_are_true_with_chats_still_open(week, compare):
    """At the end of a recording some wait, some talk, and nobody knows what comes of it."""
    since, until = week.after - 2 * DAY, week.after + DAY

    with week.open(since, until, EVERYTHING) as opened:
        assert compare(opened, week.book, week.window(since, until)) == []
    assert any(session.closed is None for session in week.book.sessions)


def test_the_first_day_is_true_from_when_the_recording_began(week, compare):
    with week.open(week.first, week.first + DAY, EVERYTHING) as opened:
        assert compare(opened, week.book, week.window(week.first, week.first + DAY)) == []
