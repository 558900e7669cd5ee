"""Holds every metric, broken down by whatever it can be, against what really happened."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from deskoracle.catalogue import ORACLES
from deskoracle.window import ZONE
from deskoracle.window import opened as open_hours

from analytics import hours, queries
from analytics.settings import BREAKDOWNS, Settings

DAY = timedelta(days=1)
LONG_DAY = date(2025, 10, 26)
FIRST, AFTER = LONG_DAY - 3 * DAY, LONG_DAY + 2 * DAY
NEVER_TOLD = {"country"}
"""The server shows it in snapshots only, and the simulated one not at all."""
OFFICE = dict.fromkeys(range(1, 6), (9, 18))
SHOP = {1: (12, 20), 6: (10, 14)}

pytestmark = pytest.mark.slow


def broken_down(by):
    return [name for name in ORACLES if by in queries.load("metrics", name).by]


@pytest.mark.parametrize("by", sorted(set(BREAKDOWNS) - NEVER_TOLD))
def test_what_is_broken_down_is_true(month, ask, by):
    """By the hour there is so much of it that the days around the long one are enough."""
    first = LONG_DAY - DAY if by == "hour" else FIRST
    asked = ask(month, first, AFTER, Settings(breakdown=by))

    with asked.ask() as opened:
        assert asked.differences(opened, broken_down(by)) == []


@pytest.fixture(scope="module")
def in_hours(month, ask):
    """Ask by department, one of which has opening hours of its own."""
    own = sorted(month.book.departments)[1]
    week = ("monday", "tuesday", "wednesday", "thursday", "friday")
    document = {day: ["09:00-18:00"] for day in week}
    shop = {"monday": ["12:00-20:00"], "saturday": ["10:00-14:00"]}
    told = hours.parse(document | {"departments": {own: shop}})
    true = open_hours(ZONE, month.first - DAY, month.after, {"": OFFICE, own: SHOP})
    return ask(month, FIRST, AFTER, Settings(breakdown="department"), told, true)


def in_opening_hours(name):
    return any("_bh_" in column for column in queries.load("metrics", name).columns)


def test_times_in_opening_hours_are_true(in_hours):
    names = [name for name in broken_down("department") if in_opening_hours(name)]
    assert len(names) > 10

    with in_hours.ask() as opened:
        assert in_hours.differences(opened, names) == []


def test_hours_matter(in_hours, month, ask):
    """Chats of all hours wait less in opening hours, each department in its own."""
    plain = ask(month, FIRST, AFTER, Settings(breakdown="department"))
    rows = [
        {row["department"]: row for row in ORACLES["session_duration"](month.book, one.window)}
        for one in (in_hours, plain)
    ]

    for department, row in rows[0].items():
        assert row["mean_s"] == rows[1][department]["mean_s"] > row["mean_bh_s"] > 0
        assert rows[1][department]["mean_bh_s"] is None
