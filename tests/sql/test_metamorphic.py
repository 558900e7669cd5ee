"""What must not change an answer: every row twice, another order, other times of receipt."""

from __future__ import annotations

import math
from datetime import date
from random import Random

import pyarrow as pa
import pytest

from analytics import queries

SINCE, UNTIL = date(2026, 3, 3), date(2026, 3, 5)
# These say how often and when things were received, and so may change.
ABOUT_RECEIPT = {"data_quality": {"rows_count", "duplicate_ratio"}}


def answers(archive, names=queries.METRICS):
    return {
        name: [
            {key: row[key] for key in row if key not in ABOUT_RECEIPT.get(name, ())}
            for row in archive.query(queries.load("metrics", name).sql).records()
        ]
        for name in names
    }


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, rows in one.items():
        assert len(rows) == len(other[name]), name
        for left, right in zip(rows, other[name], strict=True):
            assert all(same(left[key], right[key]) for key in left), (name, left, right)


def same(one, other):
    """Float sums differ by their order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def renamed(table, recorder):
    at = table.schema.get_field_index("recorder")
    names = pa.array([recorder] * table.num_rows, type=pa.string())
    return table.set_column(at, "recorder", names)


@pytest.fixture(scope="module")
def before(desk, open_rows):
    return answers(open_rows(desk, SINCE, UNTIL, "Europe/Rome"))


def test_every_row_twice_changes_nothing(desk, open_rows, before):
    twice = pa.concat_tables([desk, renamed(desk, "twin")])
    after = answers(open_rows(twice, SINCE, UNTIL, "Europe/Rome"))

    assert before["chats_offered"][-1]["sessions_count"] > 20
    assert_same(before, after)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_changes_nothing(desk, open_rows, before, seed):
    order = list(range(desk.num_rows))
    Random(seed).shuffle(order)

    after = answers(open_rows(desk.take(order), SINCE, UNTIL, "Europe/Rome"))

    assert_same(before, after)


def test_what_happened_outside_the_window_changes_nothing_in_it(desk, open_rows, before):
    """A day reported alone is the same as among others."""
    alone = answers(open_rows(desk, SINCE, date(2026, 3, 4), "Europe/Rome"))

    for name, rows in alone.items():
        dated = [row for row in rows if row.get("date")]
        picked = [row for row in before[name] if row.get("date") == SINCE]
        assert len(dated) == len(picked)
        assert_same({name: dated}, {name: picked})


@pytest.mark.parametrize("breakdown", [None, "agent", "hour"])
@pytest.mark.parametrize("day", [2, 3, 4])
def test_chats_of_other_days_change_nothing(desk, open_rows, day, breakdown):
    names = [name for name in queries.METRICS if queries.stays_within([name])]
    asked = (desk, date(2026, 3, day), date(2026, 3, day + 1), "America/New_York")

    opened = open_rows(*asked, breakdown=breakdown)
    whole = answers(opened, names), count(opened)
    opened = open_rows(*asked, breakdown=breakdown, is_narrow=True)
    narrow = answers(opened, names), count(opened)

    assert 0 < narrow[1] < whole[1]
    assert_same(ordered(whole[0], breakdown), ordered(narrow[0], breakdown))


def ordered(told, breakdown):
    """Sort the rows of what cannot be broken down so, and is here all the same: ties have none."""
    return {
        name: rows
        if breakdown in (None, *queries.load("metrics", name).by)
        else sorted(rows, key=lambda row: [(one is None, str(one)) for one in row.values()])
        for name, rows in told.items()
    }


def test_only_what_an_agent_did_beside_a_chat_needs_those_of_other_days():
    reaching = {name for name in queries.METRICS if not queries.stays_within([name])}

    assert reaching == {"handle_time", "agent_handle_time", "deferred_work"}


def count(archive):
    return archive.query("select count(*) from sessions").rows[0][0]


def test_days_add_up_to_the_window(desk, open_rows):
    told = answers(open_rows(desk, date(2026, 3, 2), UNTIL, "Europe/Rome"))

    for name, column in (("chats_offered", "sessions_count"), ("chats_closed", "sessions_count")):
        *days, whole = told[name]
        assert sum(day[column] for day in days) == whole[column] > 0
