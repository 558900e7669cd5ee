"""The report by the command: which metrics it tells, and what it compares a day with."""

from __future__ import annotations

import json

import pytest

from analytics import queries
from analytics.comparison import HEADLINES

MONDAY = ("--date", "2026-03-16")


@pytest.fixture(scope="module")
def reports():
    """Reports asked for before: they cost a second each."""
    return {}


@pytest.fixture
def told(weeks, ask, reports):
    """Return the report of some days."""

    def call(*options):
        if options not in reports:
            done = ask("report", "--archive", weeks, *options, "--format", "json")
            assert done.exit_code == 0, done.output
            reports[options] = done.stdout
        return json.loads(reports[options])

    return call


@pytest.fixture
def figures(told):
    """Return the headline figures that a day's own report tells."""

    def call(day, *options):
        metrics = told("--date", day, "--no-compare", *options)["metrics"]
        return {one: metrics[one.metric][-1][one.column] for one in HEADLINES}

    return call


def compared(report, key):
    rows = report["comparison"]["figures"]
    assert [(row["metric"], row["column"]) for row in rows] == list(HEADLINES)
    return {one: row[key] for one, row in zip(HEADLINES, rows, strict=True)}


def test_a_day_stands_beside_the_day_before_and_the_same_weekday(told, figures):
    report = told(*MONDAY)

    assert compared(report, "value") == pytest.approx(figures("2026-03-16"))
    assert compared(report, "previous") == pytest.approx(figures("2026-03-15"))
    assert compared(report, "weekday_mean") == pytest.approx(figures("2026-03-02"))
    assert set(compared(report, "weekday_count").values()) == {1}


def test_days_that_were_hardly_recorded_are_named_and_left_out(told):
    compared = told(*MONDAY)["comparison"]

    assert compared["previous"] == {"date": "2026-03-15", "coverage_ratio": pytest.approx(1)}
    assert [day["date"] for day in compared["weekdays"]] == [
        "2026-03-09",
        "2026-03-02",
        "2026-02-23",
        "2026-02-16",
    ]
    ratios = [day["coverage_ratio"] for day in compared["weekdays"]]
    assert ratios == pytest.approx([20 / 24, 1, 0, 0], abs=1e-3)


def test_several_weeks_are_told_by_their_mean(told, figures):
    report = told(*MONDAY, "--coverage-threshold", "0.8")

    began = HEADLINES[0]
    weeks = [figures(day)[began] for day in ("2026-03-02", "2026-03-09")]
    assert compared(report, "weekday_mean")[began] == sum(weeks) / 2
    assert compared(report, "weekday_count")[began] == 2


def test_a_table_has_columns_of_change(weeks, ask):
    lines = ask("report", "--archive", weeks, *MONDAY).stdout.splitlines()

    head = lines.index(next(line for line in lines if line.startswith("Compared")))
    assert " ".join(lines[head].split()) == (
        "Compared Mon 03-16 Sun 03-15 change mean of 1 Mon change"
    )
    assert lines[head + 1].startswith("chats began ")
    assert lines[head + 1].count("%") == 2
    assert lines[head + len(HEADLINES) + 1] == ("  left out, hardly recorded: 2026-03-09 (83.3 %)")


@pytest.mark.parametrize(
    "options",
    [
        [*MONDAY, "--no-compare"],
        ["--since", "2026-03-15", "--until", "2026-03-17"],
        [*MONDAY, "--as-of", "2026-03-16T12:00Z"],
        [*MONDAY, "--metrics", "data_quality"],
    ],
)
def test_what_is_not_to_be_compared_is_not(told, options):
    assert "comparison" not in told(*options)


def test_the_first_day_recorded_has_nothing_to_stand_beside(told):
    report = told("--date", "2026-03-01", "--look-ahead", "0")

    assert report["comparison"]["previous"] == {"date": "2026-02-28", "coverage_ratio": None}
    assert set(compared(report, "previous").values()) == {None}
    assert set(compared(report, "weekday_count").values()) == {0}


def test_a_report_tells_the_daily_set_or_what_is_chosen_or_everything(told):
    chosen = told(*MONDAY, "--metrics", "queue_time, chats_offered", "--no-compare")
    everything = told(*MONDAY, "--all", "--no-compare")

    assert list(told(*MONDAY, "--no-compare")["metrics"]) == list(queries.REPORT)
    assert list(chosen["metrics"]) == ["queue_time", "chats_offered"]
    assert list(everything["metrics"]) == list(queries.METRICS)
    counts = [one["metrics"]["queue_time"][0]["requested_count"] for one in (chosen, everything)]
    assert counts[0] == counts[1] > 0


def test_a_report_says_by_which_settings_it_measures(told):
    settings = told(*MONDAY, "--no-compare", "--answer-target", "90")["settings"]

    assert settings["answer_target_s"] == 90
    assert settings["service_base"] == "answered"
    assert "breakdown" not in settings


def test_metrics_without_a_place_on_the_page_are_drawn_as_they_are(weeks, ask):
    asked = ("--metrics", "arrivals_by_hour,human_requests,patience", "--no-compare")
    drawn = ask("report", "--archive", weeks, "--date", "2026-03-09", *asked).stdout

    sections = drawn.split("\n\n")
    assert sections[1].startswith("Chats an hour ")
    assert sections[2].startswith("human_requests\ndate ")
    assert sections[2].endswith("83.3 % !")
    assert sections[3] == "! recorded for less than 95 % of the time"
    assert sections[4].startswith("patience\n")


def test_a_metric_that_there_is_not_cannot_be_chosen(weeks, ask):
    done = ask("report", "--archive", weeks, "--metrics", "queue_time,luck")

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: Invalid value for '--metrics': no 'luck'; there is " + ", ".join(queries.METRICS)
    )


def test_the_agents_that_a_day_took_stand_beside_those_who_were_there(told, weeks, ask):
    found = told(*MONDAY)["staffing"]

    known = found["intervals"]
    short = [row for row in known if row["agents_available"] < row["agents_required"]]
    lack = {row["time"]: row["agents_required"] - row["agents_available"] for row in short}
    assert found["intervals_count"] == len(known) == 48
    assert found["short_count"] == len(short) > 0
    assert found["worst"]["time"] == max(lack, key=lack.__getitem__)
    said = f"too few in {len(short)} of 48 intervals; most are missing at {found['worst']['time']}"
    for form in ("table", "html"):
        assert said in ask("report", "--archive", weeks, *MONDAY, "--format", form).stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "2026-03-15", "--until", "2026-03-17"),
        (*MONDAY, "--metrics", "queue_time"),
    ],
)
def test_several_days_or_a_few_figures_tell_no_staffing(told, options):
    assert "staffing" not in told(*options)
