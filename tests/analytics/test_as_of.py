"""Answers as of an instant: what one could have known then, and what became of it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from analytics import archive, queries, restatement
from analytics.folder import Folder
from analytics.window import Window, choose
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY, HOUR

MONDAY = ("--date", "2026-03-09")
MORNING = "2026-03-09T13:30:00Z"
NEXT_DAY = "2026-03-10T06:00:00+00:00"


@pytest.fixture(scope="module")
def until_morning(tmp_path_factory):
    """Record the same desk as `weeks`, but no further than that morning."""
    root = tmp_path_factory.mktemp("morning") / "archive"
    start = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    hole = start + 8 * DAY + 8 * HOUR
    end = start + 8 * DAY + 13 * HOUR + HOUR // 2
    plan = Plan(root, Span(start, end), gaps=(Span(hole, hole + 4 * HOUR),))
    record_history(DeskSettings(chats_per_day=30), plan)
    return root


@pytest.fixture
def told(ask):
    """Return what a command prints as JSON."""

    def call(command, root, *options):
        done = ask(command, "--archive", root, *options, "--format", "json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call


def test_as_of_an_instant_the_archive_is_what_it_would_have_been(weeks, until_morning, told):
    asked = (*MONDAY, "--as-of", MORNING, "--all", "--look-ahead", "all")

    later, then = told("report", weeks, *asked), told("report", until_morning, *asked)

    assert later["metrics"]["chats_offered"][0]["sessions_count"] >= 5
    assert later["coverage"] == then["coverage"]
    assert later["coverage"]["ratio"] == pytest.approx(9.5 / 13.5, abs=1e-3)
    for name in queries.METRICS:
        assert near(later["metrics"][name]) == then["metrics"][name], name


def near(rows):
    """Float sums differ by their order."""
    return [
        {key: pytest.approx(one, rel=1e-9) if isinstance(one, float) else one for key, one in row}
        for row in (row.items() for row in rows)
    ]


def test_what_was_to_come_is_known_afterwards(weeks, told):
    before = told("report", weeks, *MONDAY, "--as-of", MORNING)["metrics"]
    after = told("report", weeks, *MONDAY)["metrics"]

    began = [one["chats_offered"][0]["sessions_count"] for one in (before, after)]
    assert began[0] < began[1]


def test_a_report_says_as_of_when_it_is(weeks, ask, told):
    asked = (*MONDAY, "--as-of", MORNING)
    drawn = ask("report", "--archive", weeks, *asked, "--tz", "Europe/Rome").stdout

    assert told("report", weeks, *asked)["as_of"] == "2026-03-09T13:30:00.000000Z"
    assert drawn.splitlines()[0].endswith(" · Europe/Rome · as of 2026-03-09 14:30")
    assert "as_of" not in told("report", weeks, *MONDAY)


def test_an_unfinished_day_says_so(weeks, ask):
    done = ask("metric", "chats_closed", "--archive", weeks, *MONDAY, "--as-of", MORNING)

    assert done.stderr == "Note: the window is not over: figures up to 2026-03-09 13:30 UTC\n"


def test_the_day_asked_about_is_the_one_before_the_instant(weeks, told):
    row, *_ = told("metric", weeks, "chats_closed", "--as-of", "2026-03-10T00:30", "--tz", "UTC")
    there, *_ = told("metric", weeks, "chats_closed", "--as-of", NEXT_DAY, "--tz", "Asia/Tokyo")
    here, *_ = told("metric", weeks, "chats_closed", "--as-of", "2026-03-10", "--tz", "Asia/Tokyo")

    assert (row["date"], there["date"], here["date"]) == (
        "2026-03-09",
        "2026-03-09",
        "2026-03-09",
    )


def test_sql_sees_nothing_that_was_received_later(weeks, told):
    newest = "select max(received_at) as newest from events where kind not in ('control', 'gap')"

    (row,) = told("sql", weeks, newest, *MONDAY, "--as-of", MORNING)

    assert "2026-03-09T12:" < row["newest"] < "2026-03-09T13:30"


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        ("2999-01-01", "2999-01-01 00:00:00: in the future; it is "),
        ("2026-03-08T12:00", "2026-03-09: in the future; it is 2026-03-08 in UTC\n"),
    ],
)
def test_an_instant_at_which_nothing_can_be_known(weeks, ask, instant, message):
    done = ask("report", "--archive", weeks, *MONDAY, "--as-of", instant)

    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {message}")


def test_an_instant_that_is_none(weeks, ask):
    done = ask("report", "--archive", weeks, "--as-of", "noon")

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: Invalid value for '--as-of': 'noon' is no instant; write it as 2026-11-23T18:00"
    )


def figures(report):
    """Return each figure of a report by metric, row and column."""
    found = {}
    for metric, rows in report["metrics"].items():
        for row in rows:
            key = tuple(row.get(name) for name in restatement.KEYS)
            for column, value in row.items():
                if column not in {*restatement.KEYS, "agent_name", "why"}:
                    found[metric, key, column] = value
    return found


def test_a_diff_tells_every_figure_that_changed_and_no_other(weeks, told):
    asked = ("--as-of", NEXT_DAY, *MONDAY)
    before, after = (
        figures(told("report", weeks, *one, "--no-compare")) for one in (asked, MONDAY)
    )

    rows = told("diff", weeks, *asked)

    true = [
        (key[0], key[2], before.get(key), after.get(key))
        for key in before | after
        if near_or_equal(before.get(key)) != after.get(key)
    ]
    found = [(row["metric"], row["column"], row["before"], row["after"]) for row in rows]
    assert len(rows) > 3
    assert sorted(found, key=str) == sorted(true, key=str)
    assert {"2026-03-09"} < {row["row"] for row in rows}


def near_or_equal(one):
    return pytest.approx(one, rel=1e-9) if isinstance(one, float) else one


def test_between_two_instants_the_diff_goes_both_ways(weeks, told):
    asked = (*MONDAY, "--metrics", "chats_closed")

    there = told("diff", weeks, *asked, "--as-of", MORNING, "--against", NEXT_DAY)
    back = told("diff", weeks, *asked, "--as-of", NEXT_DAY, "--against", MORNING)

    assert {row["metric"] for row in there} == {"chats_closed"}
    assert [(row["before"], row["after"]) for row in there] == [
        (row["after"], row["before"]) for row in back
    ]


def test_a_diff_in_the_other_formats(weeks, ask):
    asked = ("diff", "--archive", weeks, *MONDAY, "--metrics", "agent_chats", "--as-of", MORNING)

    rows = list(csv.reader(io.StringIO(ask(*asked, "--format", "csv").stdout)))
    table = ask(*asked).stdout.splitlines()

    assert rows[0] == ["metric", "row", "column", "before", "after"]
    assert table[0].split() == rows[0]
    assert any(", Anna Rossi (" in row[1] for row in rows[1:])


def test_nothing_changed_is_fine(weeks, ask):
    done = ask("diff", "--archive", weeks, *MONDAY, "--as-of", "2026-03-20", "--format", "csv")

    assert (done.exit_code, done.stdout) == (0, "metric,row,column,before,after\n")


def test_a_diff_needs_an_instant(weeks, ask):
    done = ask("diff", "--archive", weeks, *MONDAY)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "Error: Missing option '--as-of'."


@pytest.mark.parametrize("name", queries.METRICS)
def test_a_row_is_named_by_its_key_columns(everything, name):
    rows = everything["metrics"][name]

    keys = [tuple(row.get(column) for column in restatement.KEYS) for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.fixture(scope="module")
def everything(weeks):
    """Return every metric's rows of two days."""
    from analytics.report import build

    folder = Folder(weeks)
    window = choose(
        datetime(2026, 3, 9).date(), datetime(2026, 3, 11).date(), "UTC", archive.utc_now()
    )
    assert isinstance(window, Window)
    with archive.connect(folder, folder.project(None), window) as opened:
        return build(opened, queries.METRICS)
