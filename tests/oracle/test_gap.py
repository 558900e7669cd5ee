"""A recording with two holes of two hours: what lies outside them is as true as ever.

A chat is outside if nothing of it happened in a hole and it was not open (or still followed)
then. The rows of all other chats are taken out of a copy of the archive: of the rest, everything
must be exact. Of the others, what is told as certain must be true.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deskoracle.catalogue import ORACLES
from deskoracle.gaps import holes
from deskoracle.truth import UNFOLLOWED_MS, instant

from analytics import metrics
from analytics.report import coverage

DAY = timedelta(days=1)
GAPS = (
    ("2025-10-21T13:00:00Z", "2025-10-21T15:00:00Z"),
    ("2025-10-26T21:30:00Z", "2025-10-26T23:30:00Z"),
)
"""The second one is of the end of the day of 25 hours, and of the beginning of the next."""
HOLES = [tuple(map(instant, gap)) for gap in GAPS]
GAP_DAYS = {date(2025, 10, 21), date(2025, 10, 26), date(2025, 10, 27)}
FIRST, AFTER = date(2025, 10, 19), date(2025, 10, 29)
DAYS = [FIRST + number * DAY for number in range((AFTER - FIRST).days)]
SIGN_OF_LIFE_MS = 25_000
"""Coverage ends with the last sign of life before the cut; they are at most so far apart."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gapped(record):
    gaps = [option for gap in GAPS for option in ("--gap", "/".join(gap))]
    return record(date(2025, 10, 17), date(2025, 10, 31), "--chats-per-day", 60, *gaps)


@pytest.fixture(scope="module")
def touched(gapped):
    """Return the chats of which something may have been missed."""
    return {
        chat.id
        for chat in gapped.book.chats.values()
        if any(touches(chat, *hole) for hole in HOLES)
    }


def touches(chat, since, until):
    since -= SIGN_OF_LIFE_MS
    is_rated_then = chat.rating is not None and since <= chat.rating[0] <= until
    return is_rated_then or any(
        session.opened <= until
        and (session.closed is None or session.closed + UNFOLLOWED_MS >= since)
        for session in chat.sessions
    )


@pytest.fixture(scope="module")
def outside(gapped, touched, tmp_path_factory):
    """Return the recording without the chats that the holes touched, and without their truth."""
    root = tmp_path_factory.mktemp("outside") / "archive"
    shutil.copytree(gapped.root, root)
    for part in list(root.glob("project_id=*/*/*.parquet")):
        rows = pq.ParquetFile(part).read()
        is_touched = pc.is_in(rows["request_id"], value_set=pc.cast(sorted(touched), "string"))
        pq.write_table(rows.filter(pc.invert(is_touched)), part)
    one = replace(gapped, root=root)
    drafts = [at for at in one.book.drafts if not any(a <= at <= b for a, b in HOLES)]
    return one, replace(one.book.without(touched), drafts=drafts)


def test_the_hole_matters_and_most_chats_are_outside(gapped, touched):
    assert 20 < len(touched) < len(gapped.book.chats) / 3


@pytest.mark.parametrize(
    ("since", "until"), [(FIRST, AFTER), *((day, day + DAY) for day in sorted(GAP_DAYS))]
)
def test_what_lies_outside_is_true(outside, ask, since, until):
    one, known = outside
    asked = ask(one, since, until)

    with asked.ask() as opened:
        assert asked.differences(opened, known=known) == []


def test_a_report_says_what_it_could_not_see(gapped, ask):
    day = date(2025, 10, 26)
    asked = ask(gapped, day, day + DAY)
    with asked.ask() as opened:
        told = coverage(opened)
        (row,) = metrics.run(opened, "coverage_by_day").records()

    (gap,) = told["gaps"]
    assert gap["why"] == "simulated gap"
    assert HOLES[1][0] - SIGN_OF_LIFE_MS <= instant(gap["since"]) <= HOLES[1][0]
    assert told["ratio"] == pytest.approx(1 - 1.5 / 25, abs=0.0003)
    assert row["elapsed_s"] == 25 * 3600
    assert row["coverage_ratio"] == pytest.approx(told["ratio"], rel=1e-9)
    assert row["coverage_ratio"] == asked.window.coverage(asked.window.whole)


def test_what_a_recorder_vouches_for_ends_with_a_sign_of_life(gapped):
    assert len(HOLES) == 2
    for (since, until), (last, first) in zip(HOLES, holes(gapped.covered), strict=True):
        assert since - SIGN_OF_LIFE_MS <= last <= since
        assert first == until


@pytest.mark.parametrize("day", sorted(GAP_DAYS))
def test_no_day_counts_more_than_happened_nor_less_than_lies_outside(gapped, outside, ask, day):
    asked, (_, known) = ask(gapped, day, day + DAY), outside
    with asked.ask() as opened:
        (told,) = metrics.run(opened, "chats_offered").records()

    (most,) = ORACLES["chats_offered"](gapped.book, asked.window)
    (least,) = ORACLES["chats_offered"](known, asked.window)
    for column in ("sessions_count", "new_count", "chats_count", "contacts_count"):
        assert least[column] <= told[column] <= most[column]
    if day == min(GAP_DAYS):
        assert told["new_count"] < most["new_count"], "whoever came and went was not seen"


@pytest.fixture(scope="module")
def interrupted(gapped, touched):
    """Return the sessions that were open when a hole began, and seen before."""
    chats = [gapped.book.chats[name] for name in touched]
    firsts = [chat.sessions[0] for chat in chats if len(chat.sessions) == 1]
    return [
        one
        for one in firsts
        if any(one.opened < since - UNFOLLOWED_MS < (one.closed or until) for since, until in HOLES)
    ]


def is_hidden(at):
    return at is not None and any(since < at < until for since, until in HOLES)


def test_what_closed_unseen_is_read_again(gapped, ask, interrupted):
    with ask(gapped, FIRST, AFTER).ask() as opened:
        rows = opened.query("select conversation_id, closed_at, closed_by from sessions").rows
    told = {chat: (None if at is None else instant(f"{at}Z"), by) for chat, at, by in rows}

    true = {one.chat.id: (one.closed, one.closed_by) for one in interrupted}
    assert {chat: told[chat] for chat in true} == true
    assert sum(is_hidden(one.closed) for one in interrupted) > 2


def test_what_was_written_unseen_is_read_again(gapped, ask, interrupted):
    with ask(gapped, FIRST, AFTER).ask() as opened:
        told = {row[0] for row in opened.query("select message_id from messages").rows}

    true = [message for one in interrupted for message in one.messages]
    assert {message.id for message in true} - told == set()
    assert sum(is_hidden(message.at) for message in true) > 10
