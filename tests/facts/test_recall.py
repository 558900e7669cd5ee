"""Answers of what is kept are those of what was received: whatever came, in whatever order."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from growing import Growing, is_same

from archiver.compact import Compaction, Job
from archiver.contract import partition
from archiver.place import LocalPartition

DAY = timedelta(days=1)
WHOLE = date(2026, 3, 2), date(2026, 3, 11)
MIDDLE = date(2026, 3, 5), date(2026, 3, 7)
LAST = date(2026, 3, 10), date(2026, 3, 11)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_built_when_the_answers_are_those_of_the_archive(growing, seed):
    """Parts come in any order, some late; builds happen in between, and days are compacted."""
    luck = Random(seed)
    order = growing.left()
    for at in range(len(order) - 1):  # some come late
        if luck.random() < 0.3:
            order.insert(min(len(order) - 1, at + luck.randrange(2, 9)), order.pop(at))
    built = 0
    for part in order[:-2]:
        growing.add([part])
        if luck.random() < 0.25:
            built += growing.build(at_a_time=luck.choice([20, 60, 1000])).chats
        if luck.random() < 0.15:
            compact(growing, part.parent.name)
    assert built > 100
    growing.add(order[-2:])

    growing.assert_same(WHOLE)
    growing.assert_same(luck.choice([MIDDLE, LAST]), breakdown=luck.choice(["agent", "tag"]))


def compact(growing, name):
    day = date.fromisoformat(name.removeprefix("date="))
    folder = LocalPartition(partition(growing.root, growing.project_id, day))
    one = Compaction(folder, Job(lambda: 0, 0))
    one.run()
    assert not one.faults


@pytest.mark.parametrize(
    ("days", "breakdown"), [(WHOLE, "department"), (MIDDLE, None), (LAST, "hour")]
)
def test_of_any_days_by_any_breakdown(full, days, breakdown):
    full.assert_same(days, breakdown=breakdown)


def test_by_other_settings_than_it_was_built_by(full):
    full.assert_same(
        WHOLE, pause_limit_s=60.0, idle_limit_s=60.0, answer_target_s=5.0, chat_limit=2
    )


def test_it_is_what_is_kept_that_answers(built):
    """Parts whose chats are kept are not read: they could be gone."""
    names = ["chats_offered", "response_time", "agent_load", "satisfaction", "service_level"]
    anew = built.ask(None, MIDDLE, names)
    for part in built.root.glob("project_id=*/date=*/*.parquet"):
        part.write_bytes(bytes(part.stat().st_size))  # of the same size, and no Parquet

    assert is_same(built.ask(built.store, MIDDLE, names), anew)
    assert anew["chats_offered"][-1]["sessions_count"] > 20


@pytest.fixture
def full(whole, kept):
    """Read what everybody has; no test may change it."""
    return Growing(whole, kept)
