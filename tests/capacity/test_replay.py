"""Recorded days played again: who was there, what they did, and what one more would do."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analytics
from analytics.capacity import history, replay
from analytics.capacity.plan import Assumptions
from analytics.capacity.replay import RUNS, Recorded, lanes
from analytics.capacity.request import Wish
from analytics.capacity.simulation import Shift

WISH = Wish(Assumptions())


def levels(shifts, until=20):
    return [sum(one.since <= at < one.until for one in shifts) for at in range(until)]


@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(1, 9)), max_size=12),
    st.integers(-3, 3),
)
def test_as_many_are_there_as_were_and_as_many_more_while_anybody_was(found, more):
    available = [Shift(begin, begin + length) for begin, length in found]

    were = levels(available, 30)
    assert levels(lanes(available), 30) == were
    expected = [max(0, level + more) if level else 0 for level in were]
    assert levels(lanes(available, more), 30) == expected


def test_who_takes_over_at_once_goes_on_in_the_others_place():
    assert lanes([Shift(0, 5), Shift(5, 9)]) == [Shift(0, 9)]


@pytest.fixture(scope="module")
def read(recorded):
    """A recorded Wednesday, and the weeks that tell how long chats take."""
    with analytics.open(recorded, since="2026-03-02", until="2026-03-26").archive as archive:
        past = history.past(archive, history.ask(archive))
    with analytics.open(recorded, date="2026-03-11").archive as archive:
        return past, replay.read(archive)


def test_the_day_has_its_own_arrivals_and_agents(read):
    past, day = read

    asked = [row for row in past.intervals if row["date"] == date(2026, 3, 11)]
    placed = Counter(int(came // 1800) for came in day.arrivals)
    assert [placed[slot] for slot in range(48)] == [row["requested_count"] for row in asked]
    for slot in range(48):
        overlap = sum(
            max(0.0, min(one.until, 1800 * slot + 1800) - max(one.since, 1800 * slot))
            for one in day.available
        )
        assert overlap / 1800 == pytest.approx(asked[slot]["agents_mean"], abs=1e-6)


def test_more_agents_keep_nobody_waiting_longer_and_more_chats_do(read):
    past, day = read
    more = replace(WISH, assumptions=Assumptions(more_agents=2.0))
    busy = replace(WISH, volume=4.0)

    told = replay.build(day, past, WISH, more)["whole"]
    crowded = replay.build(day, past, WISH, busy)["whole"]
    assert told["played_requested_count"] == told["requested_count"] == len(day.arrivals)
    assert told["supposed_service_level_ratio"] >= told["played_service_level_ratio"]
    assert crowded["supposed_requested_count"] == 4 * len(day.arrivals)
    assert crowded["supposed_wait_mean_s"] > told["played_wait_mean_s"]
    assert crowded["supposed_service_level_ratio"] < told["played_service_level_ratio"]


def test_chats_added_in_part_are_as_many_on_average(read):
    past, day = read

    (told,) = {replay.replayed(day, past, replace(WISH, volume=1.5))[1]["requested_count"]}
    assert told == pytest.approx(1.5 * len(day.arrivals), rel=0.1)
    assert told * RUNS == int(told * RUNS)


def test_nobody_there_answers_nobody(read):
    past, day = read
    alone = Recorded(day.day, day.arrivals, [], day.intervals, day.begins)

    told = replay.build(alone, past, WISH, None)["whole"]
    assert told["played_service_level_ratio"] == 0
    assert told["played_abandoned_ratio"] == 1


def test_the_command_prints_the_day_beside_what_is_supposed(ask):
    options = ("--replay", "2026-03-11", "--what-if", "agents=+1")
    text = ask(*options).stdout
    told = json.loads(ask(*options, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(ask(*options, "--format", "csv").stdout)))

    assert "2026-03-11 replayed · Europe/Rome" in text
    assert text.splitlines()[-1].startswith("all")
    assert told["date"] == "2026-03-11"
    assert len(told["intervals"]) == len(rows) == 48
    assert rows[30]["requested_count"] == str(told["intervals"][30]["requested_count"])
    assert told["whole"]["requested_count"] == sum(
        row["requested_count"] for row in told["intervals"]
    )


def test_the_same_day_is_played_alike_each_time(ask):
    """But for the last digits of means, which follow the order in which threads add up."""
    first, second = (ask("--replay", "2026-03-11", "--format", "json").stdout for _ in range(2))

    assert json.loads(first, parse_float=_nine_digits) == json.loads(
        second, parse_float=_nine_digits
    )


def _nine_digits(text):
    return f"{float(text):.9g}"


def test_too_little_history_says_so(ask):
    done = ask("--replay", "2026-03-03", "--date", "2026-03-02")

    assert done.exit_code == 1
    assert done.stderr == (
        "Error: 2026-03-03: cannot be replayed: fewer than 30 live chats were done in the history,"
        " so handle times are not known; give more of it with --since\n"
    )


@pytest.mark.parametrize("options", [("--format", "svg"), ("--department", "Sales")])
def test_a_replay_is_of_the_whole_project_and_no_picture(ask, options):
    done = ask("--replay", "2026-03-11", *options)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: --replay plays the whole project, for a table, json or csv"
    )
