"""Holds split time to what must always add up: hours to days, days to the window, focus to work.

The simulated desk has gaps, transfers, helpers and chats over midnight; a case can have each, but
not all at once.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest

from analytics import queries

SINCE, UNTIL = date(2026, 3, 2), date(2026, 3, 5)
TOTALS = [
    ("agent_availability", "available_s"),
    ("agent_availability", "unavailable_s"),
    ("agent_presence", "online_s"),
    ("agent_presence", "offline_s"),
    ("agent_load", "engaged_s"),
    ("agent_load", "idle_s"),
    ("agent_productivity", "available_h"),
    ("bot_time", "bot_s"),
]


@pytest.fixture
def ask(desk, open_rows):
    """Answer a metric about the desk's days."""

    def call(name, **settings):
        archive = open_rows(desk, SINCE, UNTIL, "Europe/Rome", **settings)
        return archive.query(queries.load("metrics", name).sql).records()

    return call


def summed(rows, column, *keys):
    totals = defaultdict(float)
    for row in rows:
        totals[tuple(row[key] for key in keys)] += row[column] or 0
    return {key: pytest.approx(total, rel=1e-9, abs=1e-5) for key, total in totals.items()}


def grain(name):
    return ("agent_id",) if name.startswith("agent_") else ()


@pytest.mark.parametrize(("name", "column"), TOTALS)
def test_days_add_up_to_the_window(ask, name, column):
    rows = ask(name)
    days = [row for row in rows if row["date"] is not None]
    whole = [row for row in rows if row["date"] is None]

    assert sum(row[column] for row in whole) > 0
    assert summed(days, column, *grain(name)) == summed(whole, column, *grain(name))


@pytest.mark.parametrize(("name", "column"), TOTALS)
def test_hours_add_up_to_the_day(ask, name, column):
    hours, days = ask(name, breakdown="hour"), ask(name)

    assert len({row["slice"] for row in hours}) > 12
    keys = ("date", *grain(name))
    assert summed(hours, column, *keys) == summed(days, column, *keys)


def test_departments_add_up_to_all(ask):
    parts, whole = ask("bot_time", breakdown="department"), ask("bot_time")

    assert len({row["slice"] for row in parts}) > 1
    assert summed(parts, "bot_s", "date") == summed(whole, "bot_s", "date")


def test_the_focus_of_all_chats_is_the_time_with_chats(desk, open_rows):
    """Each second with chats is shared out among them, and none is lost or counted twice."""
    archive = open_rows(desk, SINCE, UNTIL)
    lasting = archive.query("select distinct agent_id from assignments where ended_at is null")
    shared = archive.query(
        "select agent_id, sum(value) from agent_times where fact = 'assignment_focus' group by all"
    )
    engaged = archive.query(
        "select agent_id, sum(epoch_us(until) - epoch_us(since)) / 1e6 from agent_levels"
        " where chats_count > 0 group by all"
    )

    busy = {agent for (agent,) in lasting.rows}
    given = {agent: total for agent, total in shared.rows if agent not in busy}
    had = {agent: total for agent, total in engaged.rows if agent not in busy}
    assert len(had) > 3
    assert given == pytest.approx(had, rel=1e-9)


def test_an_agent_s_levels_follow_each_other_without_a_hole(desk, open_rows):
    archive = open_rows(desk, SINCE, UNTIL)

    torn = archive.query(
        "select agent_id from (select *, lag(until) over (partition by agent_id order by since)"
        " as before from agent_levels) where before <> since or until <= since"
    )

    assert torn.rows == []
    assert archive.query("select max(chats_count) from agent_levels").rows[0][0] > 1
