"""A recording with a hole of two hours: what lies outside it is as true as ever.

A chat is outside if nothing of it happened in the hole and it was not open (or still followed)
then. The rows of all other chats are taken out of a copy of the archive: of the rest, everything
must be exact.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deskoracle.book import UNFOLLOWED_MS, instant
from deskoracle.catalogue import ORACLES

from analytics import metrics
from analytics.report import coverage

DAY = timedelta(days=1)
GAP = ("2025-10-26T13:00:00Z", "2025-10-26T15:00:00Z")
HOLE = tuple(map(instant, GAP))
GAP_DAY = date(2025, 10, 26)
FIRST, AFTER = date(2025, 10, 24), date(2025, 10, 30)
DAYS = [FIRST + number * DAY for number in range((AFTER - FIRST).days)]
EVERYTHING = (None, None)
SIGN_OF_LIFE_MS = 10_000
"""Coverage ends with the last sign of life before the cut; they are at most so far apart."""
OF_TIME = {"agent_availability", "arrivals_by_hour"}
"""Metrics that say how much of the time was covered."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gapped(record):
    return record(date(2025, 10, 23), date(2025, 11, 1), "--chats-per-day", 100, gap=GAP)


@pytest.fixture(scope="module")
def touched(gapped):
    """Return the chats of which something may have been missed."""
    return {chat.id for chat in gapped.book.chats.values() if touches(chat)}


def touches(chat):
    since, until = HOLE[0] - SIGN_OF_LIFE_MS, HOLE[1]
    is_rated_then = chat.rating is not None and since <= chat.rating[0] <= until
    return is_rated_then or any(
        session.opened <= until
        and (session.closed is None or session.closed + UNFOLLOWED_MS >= since)
        for session in chat.sessions
    )


@pytest.fixture(scope="module")
def outside(gapped, touched, tmp_path_factory):
    """Return the recording without the chats that the hole touched, and without their truth."""
    root = tmp_path_factory.mktemp("outside") / "archive"
    shutil.copytree(gapped.root, root)
    for part in list(root.glob("project_id=*/*/*.parquet")):
        rows = pq.ParquetFile(part).read()
        is_touched = pc.is_in(rows["request_id"], value_set=pc.cast(sorted(touched), "string"))
        pq.write_table(rows.filter(pc.invert(is_touched)), part)
    one = replace(gapped, root=root)
    drafts = [at for at in one.book.drafts if not HOLE[0] <= at <= HOLE[1]]
    return one, replace(one.book.without(touched), drafts=drafts)


def test_the_hole_matters_and_most_chats_are_outside(gapped, touched):
    assert 20 < len(touched) < len(gapped.book.chats) / 3


@pytest.mark.parametrize(("since", "until"), [(FIRST, AFTER), *((day, day + DAY) for day in DAYS)])
def test_what_lies_outside_is_true(outside, compare, since, until):
    one, known = outside

    with one.open(since, until, EVERYTHING) as opened:
        names = set(ORACLES) - OF_TIME
        assert compare(opened, known, one.window(since, until), *names) == []


@pytest.mark.parametrize("day", [day for day in DAYS if day != GAP_DAY])
def test_times_of_other_days_are_true(outside, compare, day):
    one, known = outside

    with one.open(day, day + DAY, EVERYTHING) as opened:
        assert compare(opened, known, one.window(day, day + DAY), *OF_TIME) == []


def test_times_of_the_day_with_the_hole_lack_it(gapped):
    asked = gapped.window(GAP_DAY, GAP_DAY + DAY)
    with gapped.open(GAP_DAY, GAP_DAY + DAY, EVERYTHING) as opened:
        told = {row["agent_id"]: row for row in metrics.run(opened, "agent_availability").records()}
        hours = metrics.run(opened, "arrivals_by_hour").records()

    true = {row["agent_id"]: row for row in ORACLES["agent_availability"](gapped.book, asked)}
    assert told.keys() == true.keys()
    for agent, row in true.items():
        for column in ("available_s", "unavailable_s"):
            assert told[agent][column] == pytest.approx(row[column], abs=SIGN_OF_LIFE_MS / 1000)
    exposed = [row["exposure_h"] for row in ORACLES["arrivals_by_hour"](gapped.book, asked)]
    assert [row["exposure_h"] for row in hours] == pytest.approx(exposed, abs=0.01)
    assert exposed[2] == 2  # the hour that this day has twice
    assert exposed[14:16] == [0, 0]


def test_a_report_says_what_it_could_not_see(gapped):
    with gapped.open(GAP_DAY, GAP_DAY + DAY, EVERYTHING) as opened:
        told = coverage(opened)
        (day,) = metrics.run(opened, "coverage_by_day").records()

    (gap,) = told["gaps"]
    assert gap["why"] == "simulated gap"
    assert HOLE[0] - SIGN_OF_LIFE_MS <= instant(gap["since"]) <= HOLE[0]
    assert instant(gap["until"]) == HOLE[1]
    assert told["ratio"] == pytest.approx(1 - 2 / 25, abs=0.0002)
    assert day["elapsed_s"] == 25 * 3600
    assert day["coverage_ratio"] == pytest.approx(told["ratio"], rel=1e-9)


@pytest.mark.parametrize("day", DAYS)
def test_no_day_counts_more_than_happened_nor_less_than_lies_outside(gapped, outside, day):
    asked, (_, known) = gapped.window(day, day + DAY), outside
    with gapped.open(day, day + DAY, EVERYTHING) as opened:
        (told,) = metrics.run(opened, "chats_offered").records()

    (most,) = ORACLES["chats_offered"](gapped.book, asked)
    (least,) = ORACLES["chats_offered"](known, asked)
    for column in ("sessions_count", "new_count", "chats_count", "contacts_count"):
        assert least[column] <= told[column] <= most[column]
    if day == GAP_DAY:
        assert told["new_count"] < most["new_count"], "whoever came and went was not seen"


@pytest.fixture(scope="module")
def interrupted(gapped, touched):
    """Return the sessions that were open when the hole began, and seen before."""
    chats = [gapped.book.chats[name] for name in touched]
    firsts = [chat.sessions[0] for chat in chats if len(chat.sessions) == 1]
    return [one for one in firsts if one.opened < HOLE[0] - UNFOLLOWED_MS < (one.closed or HOLE[1])]


def test_what_closed_unseen_is_read_again(gapped, interrupted):
    with gapped.open(FIRST, AFTER, EVERYTHING) as opened:
        rows = opened.query("select conversation_id, closed_at, closed_by from sessions").rows
    told = {chat: (None if at is None else instant(f"{at}Z"), by) for chat, at, by in rows}

    true = {one.chat.id: (one.closed, one.closed_by) for one in interrupted}
    assert {chat: told[chat] for chat in true} == true
    assert sum(one.closed is not None and HOLE[0] < one.closed < HOLE[1] for one in interrupted) > 2


def test_what_was_written_unseen_is_read_again(gapped, interrupted):
    with gapped.open(FIRST, AFTER, EVERYTHING) as opened:
        told = {row[0] for row in opened.query("select message_id from messages").rows}

    true = [message for one in interrupted for message in one.messages]
    assert {message.id for message in true} - told == set()
    assert sum(HOLE[0] < message.at < HOLE[1] for message in true) > 10
