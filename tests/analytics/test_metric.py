"""One metric by the command: broken down, with the chats behind it, explained, and marked."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from analytics import queries

DAY = "2026-03-03"
DAYS = ("--since", "2026-03-02", "--until", "2026-03-05")


@pytest.fixture
def told(desk, ask):
    """Return a metric's rows."""

    def call(name, *options):
        asked = options if "--since" in options else ("--date", DAY, *options)
        done = ask("metric", name, "--archive", desk.root, *asked, "--format", "json")
        assert (done.exit_code, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return call


def opened_on(desk, day):
    """Return the chats that became visible, of which a session began on a day."""
    visible = {
        chat["request_id"]
        for chat in desk.truth["chat"]
        if chat["published_at"] and not chat["draft"]
    }
    return Counter(
        one["request_id"]
        for one in desk.truth["session"]
        if one["request_id"] in visible and one["opened_at"].startswith(day)
    )


def test_without_a_breakdown_no_column_is_wasted_on_it(told):
    (row,) = told("chats_offered")

    assert list(row)[:2] == ["date", "sessions_count"]


@pytest.mark.parametrize("breakdown", ["channel", "department", "bot", "language", "hour"])
def test_a_breakdown_names_its_column_and_adds_up(told, breakdown):
    (whole,) = told("chats_offered")

    rows = told("chats_offered", "--by", breakdown)

    assert all(list(row)[:2] == ["date", breakdown] for row in rows)
    assert len({row[breakdown] for row in rows}) == len(rows) > 1
    assert sum(row["sessions_count"] for row in rows) == whole["sessions_count"] > 20


def test_by_agent_each_is_told_by_name(desk, told):
    rows = told("first_response_human", "--by", "agent", *DAYS)

    names = {one["name"] for one in desk.truth["agent"]}
    assert {row["agent"] for row in rows} - {"(none)"} <= names
    assert sum(row["answered_count"] for row in rows if row["date"]) > 10


def test_weekdays_are_named_in_tables_and_numbered_for_programs(desk, ask, told):
    asked = ("metric", "chats_offered", "--by", "weekday", "--archive", desk.root)
    table = ask(*asked, *DAYS).stdout.splitlines()

    rows = told("chats_offered", "--by", "weekday", *DAYS)

    assert [row["weekday"] for row in rows] == ["1", "2", "3"] * 2
    assert [line.split()[1] for line in table[1:4]] == ["Mon", "Tue", "Wed"]


def test_a_breakdown_that_a_metric_has_not_says_which_it_has(desk, ask):
    done = ask("metric", "chats_offered", "--by", "agent", "--archive", desk.root)

    possible = ", ".join(queries.load("metrics", "chats_offered").by)
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: chats_offered: not by agent; it can be broken down by {possible}\n",
    )


def test_a_metric_without_breakdowns_says_so_before_the_archive_is_opened(ask):
    done = ask("metric", "tiledesk_compatible", "--by", "hour", "--archive", "nowhere")

    assert (done.exit_code, done.stderr) == (
        1,
        "Error: tiledesk_compatible: not by hour; it cannot be broken down\n",
    )


def test_the_chats_behind_a_row_are_those_that_it_counts(desk, told):
    (row,) = told("chats_offered")

    behind = told("chats_offered", "--chats")

    true = opened_on(desk, DAY)
    assert Counter(chat["conversation_id"] for chat in behind) == true
    assert len(behind) == row["sessions_count"]
    assert {chat["date"] for chat in behind} == {DAY}


def test_the_chats_behind_a_time_tell_how_long_each_took(told):
    (row,) = told("first_response_human")

    behind = told("first_response_human", "--chats")

    assert list(behind[0]) == [
        "date",
        "fact",
        "conversation_id",
        "session_no",
        "agent_id",
        "detail",
        "happened_at",
        "seconds",
        "value",
        "is_in_gap",
        "is_uncertain",
    ]
    spent = [chat["seconds"] for chat in behind]
    assert len(spent) == row["answered_count"]
    assert sum(spent) / len(spent) == pytest.approx(row["mean_s"])


def test_the_chats_of_several_days_and_slices_are_told_once_each(told):
    rows = told("chats_offered", "--by", "channel", *DAYS)

    behind = told("chats_offered", "--by", "channel", "--chats", *DAYS)

    days = Counter((row["date"], row["channel"]) for row in behind)
    counted = {(row["date"], row["channel"]): row["sessions_count"] for row in rows if row["date"]}
    assert +Counter(counted) == days


def test_a_metric_without_chats_behind_it_says_so(ask):
    done = ask("metric", "coverage_by_day", "--chats", "--archive", "nowhere")

    assert (done.exit_code, done.stderr) == (
        1,
        "Error: coverage_by_day: its rows have no chats behind them; leave out --chats\n",
    )


def test_what_was_hardly_recorded_is_marked_in_tables_only(desk, ask):
    asked = ("metric", "chats_closed", "--archive", desk.root, "--date", "2026-03-02")
    options = ("--tz", "Asia/Tokyo", "--look-ahead", "2")

    table = ask(*asked, *options).stdout.splitlines()
    told = ask(*asked, *options, "--format", "json").stdout
    lenient = ask(*asked, *options, "--coverage-threshold", "0.6").stdout

    assert table[1].endswith("62.5 % !")
    assert table[-1] == "! recorded for less than 95 % of the time"
    assert json.loads(told)[0]["coverage_ratio"] == 0.625
    assert "!" not in lenient


def test_a_metric_is_explained_by_its_definition_and_examples(desk, ask):
    plain = ask("explain", "first_response_human")
    shown = ask("explain", "first_response_human", "--archive", desk.root, "--date", DAY)

    assert plain.stdout.startswith("-- first_response_human: ")
    assert plain.stderr == "Note: name an archive with --archive to see three of its rows\n"
    assert shown.stdout.startswith(plain.stdout)
    assert shown.stderr == ""
    lines = shown.stdout.removeprefix(plain.stdout).splitlines()
    assert lines[1] == f"-- From {DAY} to 2026-03-04 (UTC):"
    assert lines[3].startswith(DAY)
    assert lines[5] == "-- Chats behind it:"
    assert len(lines) == 10


def test_where_no_chats_stand_behind_a_metric_only_its_rows_are_shown(desk, ask):
    shown = ask("explain", "coverage_by_day", "--archive", desk.root, "--date", DAY).stdout

    assert "Chats behind it" not in shown
    assert shown.splitlines()[-1].startswith(DAY)
