"""A recording with many holes: what lies outside them is as true as ever, and what is told, too.

A chat is outside if nothing of it happened in a hole and it was not open (or still followed)
then. The rows of all other chats are taken out of a copy of the archive: of the rest, everything
must be exact. Of all chats, what is told as certain must be true; the rest is counted only.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deskoracle.catalogue import FACTS, ORACLES
from deskoracle.gaps import holes, seen
from deskoracle.truth import UNFOLLOWED_MS, instant
from deskoracle.window import spread

from analytics import metrics
from analytics.report import coverage

DAY = timedelta(days=1)
TORN = (21, 22, 23)
"""Of October: half of each hour of these days' work is lost."""
GAPS = [
    (f"2025-10-{day}T{hour:02}:00:00Z", f"2025-10-{day}T{hour:02}:25:00Z")
    for day in TORN
    for hour in range(7, 20)
]
NIGHT = ("2025-10-26T21:30:00Z", "2025-10-26T23:30:00Z")
"""The end of the day of 25 hours, and the beginning of the next."""
HOLES = [tuple(map(instant, gap)) for gap in [*GAPS, NIGHT]]
LONG_DAY = date(2025, 10, 26)
GAP_DAYS = [date(2025, 10, 22), LONG_DAY, LONG_DAY + DAY]
FIRST, AFTER = date(2025, 10, 20), date(2025, 10, 29)
SIGN_OF_LIFE_MS = 25_000
"""Coverage ends with the last sign of life before the cut; they are at most so far apart."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gapped(record):
    gaps = [option for gap in [*GAPS, NIGHT] for option in ("--gap", "/".join(gap))]
    return record(date(2025, 10, 18), date(2025, 10, 31), "--chats-per-day", 70, *gaps)


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


def test_the_holes_matter_and_most_chats_are_outside(gapped, touched):
    assert 100 < len(touched) < len(gapped.book.chats) / 3


@pytest.mark.parametrize(
    ("since", "until"), [(FIRST, AFTER), *((day, day + DAY) for day in GAP_DAYS)]
)
def test_what_lies_outside_is_true(outside, ask, since, until):
    one, known = outside
    asked = ask(one, since, until)

    with asked.ask() as opened:
        assert asked.differences(opened, known=known) == []


def test_a_report_says_what_it_could_not_see(gapped, ask):
    asked = ask(gapped, LONG_DAY, LONG_DAY + DAY)
    with asked.ask() as opened:
        told = coverage(opened)
        (row,) = metrics.run(opened, "coverage_by_day").records()

    (gap,) = told["gaps"]
    assert gap["why"] == "simulated gap"
    assert HOLES[-1][0] - SIGN_OF_LIFE_MS <= instant(gap["since"]) <= HOLES[-1][0]
    assert told["ratio"] == pytest.approx(1 - 1.5 / 25, abs=0.0003)
    assert row["elapsed_s"] == 25 * 3600
    assert row["coverage_ratio"] == pytest.approx(told["ratio"], rel=1e-9)
    assert row["coverage_ratio"] == asked.window.coverage(asked.window.whole)


def test_what_a_recorder_vouches_for_ends_with_a_sign_of_life(gapped):
    for (since, until), (last, first) in zip(HOLES, holes(gapped.covered), strict=True):
        assert since - SIGN_OF_LIFE_MS <= last <= since
        assert first == until


@pytest.mark.parametrize("day", GAP_DAYS)
def test_no_day_counts_more_than_happened_nor_less_than_lies_outside(gapped, outside, ask, day):
    asked, (_, known) = ask(gapped, day, day + DAY), outside
    with asked.ask() as opened:
        (told,) = metrics.run(opened, "chats_offered").records()

    (most,) = ORACLES["chats_offered"](gapped.book, asked.window)
    (least,) = ORACLES["chats_offered"](known, asked.window)
    for column in ("sessions_count", "new_count", "chats_count", "contacts_count"):
        assert least[column] <= told[column] <= most[column]
    if day == GAP_DAYS[0]:
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
    """Tell whether an instant is in a hole, or just before it, after the last sign of life."""
    return at is not None and any(since - SIGN_OF_LIFE_MS < at < until for since, until in HOLES)


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


@pytest.fixture(scope="module")
def told(gapped, ask):
    """Return what is told of single chats, and of all of them together."""
    with ask(gapped, FIRST, AFTER).ask() as opened:
        facts = opened.query("select * from timed_facts").records()
        timed = [name for name in FACTS if name in ORACLES and name != "patience"]
        rows = {name: metrics.run(opened, name).records()[-1] for name in timed}
    by_name = {name: [one for one in facts if one["fact"] == name] for name in FACTS}
    return by_name, rows


def is_certain(fact):
    return not fact["is_uncertain"] and fact["until"] is not None


def edges(fact):
    return tuple(None if at is None else instant(f"{at}Z") for at in (fact["since"], fact["until"]))


@pytest.mark.parametrize("name", FACTS)
def test_what_is_told_as_certain_is_true(gapped, ask, told, name):
    """Or it is all that can be known of it: somebody may have come and gone unseen."""
    asked = ask(gapped, FIRST, AFTER)
    books = (gapped.book, seen(gapped.book, holes(gapped.covered)))
    true = {
        (one.session.chat.id, one.since, one.until, one.agent)
        for known in books
        for one in FACTS[name](known, asked.window)
    }

    certain = [one for one in told[0][name] if is_certain(one)]
    assert {(one["conversation_id"], *edges(one), one["agent_id"]) for one in certain} <= true
    assert len(certain) > 30


def test_some_of_it_is_uncertain_and_that_is_what_a_hole_hides(told):
    uncertain = [one for facts in told[0].values() for one in facts if one["is_uncertain"]]

    assert len({one["fact"] for one in uncertain}) > 5
    for one in uncertain:
        assert any(map(is_hidden, edges(one)))
        assert one["seconds"] is None


@pytest.mark.parametrize("name", [name for name in FACTS if name in ORACLES and name != "patience"])
def test_what_is_uncertain_is_counted_and_not_measured(gapped, ask, told, name):
    whole = ask(gapped, FIRST, AFTER).window.whole
    here = [one for one in told[0][name] if whole.has(instant(f"{one['happened_at']}Z"))]
    row = told[1][name]

    assert next(value for column, value in row.items() if column != "date") == len(here)
    assert row["uncertain_count"] == sum(one["is_uncertain"] for one in here)
    sure = [edges(one) for one in here if is_certain(one)]
    figures = spread([(until - since) / 1000 for since, until in sure])
    assert {column: row[column] for column in figures} == pytest.approx(figures, rel=1e-9)
