"""`analytics capacity` on a recorded desk: its figures, its formats, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import defaultdict
from dataclasses import asdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import analytics
from analytics import metrics
from analytics.capacity import words
from analytics.capacity.calibration import Observed, calibrate
from analytics.capacity.chat_model import Demand
from analytics.capacity.forecast import Grid, seasonal_profile
from analytics.capacity.handling import Seen, handle_times, pools
from analytics.capacity.request import WHAT_IF
from analytics.capacity.staffing import Target, expected, required

FIRST, AFTER = date(2026, 3, 2), date(2026, 3, 26)
ROME = "Europe/Rome"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def told(recorded):
    """What the archive's own metrics say of the history."""
    names = ("load_by_interval", "handle_time_by_concurrency", "patience_mean", "deferred_work")
    with analytics.open(recorded, since=FIRST, until=AFTER, tz=ROME).archive as archive:
        return {name: metrics.run(archive, name).records() for name in names}


@pytest.fixture(scope="module")
def plans():
    """Plans asked for before: they cost a second each."""
    return {}


@pytest.fixture
def plan(ask, plans):
    def asked(*options):
        if options not in plans:
            done = ask("--format", "json", *options)
            assert done.exit_code == 0, done.output
            plans[options] = done.stdout
        return json.loads(plans[options])

    return asked


def grid(rows, name):
    """Return a column by day and half hour; what was hardly recorded is not known."""
    days = [[None] * 48 for _ in range((AFTER - FIRST).days)]
    for row in rows:
        if row["coverage_ratio"] >= 0.95:
            days[(row["date"] - FIRST).days][row["minute"] // 30] = (
                row[name] / row["coverage_ratio"]
            )
    return days


def test_the_figures_are_those_of_the_pure_functions(plan, told):
    found = plan("--weeks", "1")

    history = Grid(FIRST, grid(told["load_by_interval"], "requested_count"))
    seen = [
        Seen(row["concurrency"], row["chat_s"], row["closed_count"])
        for row in told["handle_time_by_concurrency"]
    ]
    times = handle_times(pools(seen), 3)
    patience = told["patience_mean"][-1]["patience_mean_s"]
    assert found["forecast"]["model"] == "seasonal profile"
    assert [row["planned_s"] for row in found["handle_times"][:3]] == pytest.approx(times)
    rows = {(row["date"], row["minute"]): row for row in found["plan"]}
    checked = 0
    for number in range(7):
        when = AFTER + timedelta(days=number)
        for slot, mean in enumerate(seasonal_profile(history, when)):
            if (row := rows.get((when.isoformat(), slot * 30))) is None:
                continue
            demand = Demand(mean / 1800, times, patience)
            need = required(demand, Target(0.8, 60, 0.85)).agents
            assert row["chats_expected"] == pytest.approx(mean)
            assert row["agents_required"] == need
            assert row["required_service_level_ratio"] == pytest.approx(
                expected(demand, need, 60).service_level
            )
            checked += 1
    assert checked == len(rows) == 7 * 48 - 2  # the clock skips an hour on the 29th


def test_patience_and_the_past_are_what_the_metrics_say(plan, told):
    found = plan()

    (whole,) = (row for row in told["patience_mean"] if row["date"] is None)
    assert found["patience"]["mean_s"] == pytest.approx(whole["patience_mean_s"], rel=1e-9)
    assert found["patience"]["left_count"] == whole["left_count"] >= 30
    requested = sum(row["requested_count"] for row in told["load_by_interval"])
    assert found["history"]["requested_count"] == requested > 300
    noon = [
        row
        for row in told["load_by_interval"]
        if (row["weekday"], row["minute"]) == (3, 720) and row["coverage_ratio"] > 0.95
    ]
    (shown,) = (row for row in found["past"] if (row["weekday"], row["minute"]) == (3, 720))
    assert shown["intervals_count"] == len(noon) == 4
    assert shown["requested_mean"] == sum(row["requested_count"] for row in noon) / 4
    assert shown["abandoned_count"] == sum(row["abandoned_count"] for row in noon)


def test_what_lies_in_a_gap_is_left_out_and_not_counted_as_nothing(plan, told):
    found = plan()

    past = {(row["weekday"], row["minute"]): row for row in found["past"]}
    assert past[2, 9 * 60]["intervals_count"] == past[2, 14 * 60]["intervals_count"] == 4
    for minute in range(10 * 60, 14 * 60, 30):
        assert past[2, minute]["intervals_count"] == 3  # of the four Tuesdays
    known = defaultdict(list)
    for row in told["load_by_interval"]:
        if row["weekday"] == 2 and row["minute"] == 12 * 60 and row["date"].day != 10:
            known[row["minute"]].append(row["requested_count"])
    assert past[2, 12 * 60]["requested_mean"] == sum(known[12 * 60]) / 3
    assert found["history"]["recorded_days"] == pytest.approx(24 - 4 / 24 - 1 / 24, abs=0.01)


def test_who_was_there_and_what_is_missing_are_told_by_interval(plan, told):
    found = plan()

    there = grid(told["load_by_interval"], "agents_mean")
    covered = {
        (row["date"], row["minute"]): row["coverage_ratio"] for row in told["load_by_interval"]
    }
    row = next(row for row in found["plan"] if (row["date"], row["minute"]) == ("2026-03-26", 660))
    means = [there[day][22] * covered[FIRST + timedelta(days=day), 660] for day in range(3, 24, 7)]
    assert row["agents_available"] == pytest.approx(sum(means) / len(means))
    assert row["agents_gap"] == pytest.approx(row["agents_available"] - row["agents_required"])


def test_two_plans_stand_side_by_side(plan, ask):
    found = plan("--what-if", "agents=+1,max_chats=4,handle_time=-10%")

    second = found["supposed"]["plan"]
    assert len(second) == len(found["plan"])
    day = [
        (real, other)
        for real, other in zip(found["plan"], second, strict=True)
        if (real["agents_available"] or 0) >= 1
    ]
    assert day
    for real, other in day:
        assert other["since"] == real["since"]
        assert other["chats_expected"] == real["chats_expected"]
        assert other["agents_available"] == pytest.approx(real["agents_available"] + 1)
        assert other["agents_required"] <= real["agents_required"]
    first, less = (part["handle_times"][0]["planned_s"] for part in (found, found["supposed"]))
    assert less == pytest.approx(0.9 * first)
    assert [row for row in found["supposed"]["handle_times"] if row["planned_s"]][3]
    text = ask("--what-if", "agents=+1").stdout
    assert "As supposed" in text
    assert "Supposed" in text
    assert re.search(r"^11:00 .*│", text, re.MULTILINE)


def test_what_chats_are_supposed_to_take_is_told_if_it_differs(ask):
    assert "Supposed to" not in ask("--what-if", "agents=+1").stdout
    assert "Supposed to  " in ask("--what-if", "handle_time=-10%").stdout


def test_suppositions_may_be_written_with_spaces(plan):
    found = plan("--what-if", "agents = +1, max_chats=4")["supposed"]["assumptions"]

    assert (found["more_agents"], found["max_chats"]) == (1, 4)


def test_the_help_names_all_that_may_be_supposed(ask):
    said = ask("--help").stdout

    assert [name for name in WHAT_IF if f"{name}=" not in said] == []


def test_supposed_chats_scale_what_is_expected(plan):
    found = plan("--what-if", "arrivals=+50%")

    for real, other in zip(found["plan"], found["supposed"]["plan"], strict=True):
        assert other["chats_expected"] == pytest.approx(1.5 * real["chats_expected"])


def test_csv_is_a_row_an_interval_for_other_tools(ask, plan):
    done = ask("--format", "csv", "--what-if", "agents=-1")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    told = plan()["plan"]
    assert len(rows) == 2 * len(told)
    assert [row["agents_required"] for row in rows if row["is_supposed"] == "False"] == [
        str(row["agents_required"]) for row in told
    ]
    begins = datetime.fromisoformat(rows[0]["since"]).astimezone(ZoneInfo(ROME))
    assert f"{begins:%Y-%m-%d %H:%M}" == f"{rows[0]['date']} {rows[0]['time']}"


def test_the_hour_that_the_clock_skips_is_not_planned(plan):
    times = {row["time"] for row in plan()["plan"] if row["date"] == "2026-03-29"}

    assert len(times) == 46
    assert not times & {"02:00", "02:30"}


def test_intervals_may_be_quarters_or_hours(plan):
    quarters, hours = (plan("--interval", one)["plan"] for one in ("15m", "60m"))

    assert {row["minute"] % 60 for row in quarters} == {0, 15, 30, 45}
    assert {row["minute"] % 60 for row in hours} == {0}
    chats = [sum(row["chats_expected"] for row in rows) for rows in (quarters, hours)]
    assert chats[0] == pytest.approx(chats[1], rel=0.1)


def test_less_than_two_weeks_tell_only_what_happened(ask, plan):
    days = ("--since", "2026-03-02", "--until", "2026-03-12")
    done = ask(*days)

    assert done.exit_code == 0
    assert "no plan" in done.stdout
    assert "No forecast: fewer than 14 days are recorded" in done.stdout
    assert "What happened" in done.stdout
    assert "Agents needed" not in done.stdout
    found = plan(*days)
    assert (found["plan"], found["forecast"], found["calibration"]) == ([], None, None)
    assert found["past"]
    listed = ask(*days, "--format", "csv")
    assert listed.stdout.count("\n") == 1
    assert "No forecast" in listed.stderr


def test_a_single_day_is_told_too(ask):
    done = ask("--date", "2026-03-04")

    assert done.exit_code == 0
    assert "2026-03-04 to 2026-03-04, 1 days recorded" in done.stdout


@pytest.fixture(scope="module")
def by_department(recorded):
    """What the archive's own metrics say of the departments."""
    names = ("load_by_interval", "handle_time_by_concurrency")
    with analytics.open(recorded, since=FIRST, until=AFTER, tz=ROME) as asked:
        return {name: asked.metric(name, by="department").records() for name in names}


def test_the_chats_of_one_department_only(plan, ask, by_department):
    rows = by_department["load_by_interval"]
    name = max({row["department"] for row in rows})
    found = plan("--department", name)

    came = sum(row["requested_count"] for row in rows if row["department"] == name)
    assert found["department"] == name
    assert found["history"]["requested_count"] == came
    assert 0 < came < plan()["history"]["requested_count"]
    alone = [
        row for row in by_department["handle_time_by_concurrency"] if row["department"] == name
    ]
    assert [(row["concurrency"], row["closed_count"]) for row in found["handle_times"][:2]] == [
        (row["concurrency"], row["closed_count"]) for row in alone[:2]
    ]
    text = " ".join(ask("--department", name).stdout.split())
    assert "an agent counts in each by the share of his work that its chats were" in text


def test_every_department_has_a_plan_and_agents_are_shared_out(plan, ask, by_department):
    found = plan("--by", "department")["departments"]

    names = sorted({row["department"] for row in by_department["load_by_interval"]})
    assert [one["department"] for one in found] == names
    for row, alone in zip(found[-1]["plan"], plan("--department", names[-1])["plan"], strict=True):
        assert row == pytest.approx(alone)
    assert [row["planned_s"] for row in found[0]["handle_times"]] == pytest.approx(
        [row["planned_s"] for row in plan()["handle_times"]]
    )
    assert (
        "Too few of its own chats tell them, so these are the project's: handle times, patience."
        in found[0]["notes"]
    )
    there = defaultdict(float)
    for one in found:
        for row in one["plan"]:
            there[row["since"]] += row["agents_available"]
    everybody = [row for row in plan()["plan"] if row["since"] in there]
    assert len(everybody) > 300
    for row in everybody:
        assert there[row["since"]] == pytest.approx(row["agents_available"], abs=1e-6)
    listed = list(csv.DictReader(io.StringIO(ask("--by", "department", "--format", "csv").stdout)))
    assert [row["department"] for row in listed] == [
        one["department"] for one in found for _ in one["plan"]
    ]


def test_the_page_of_departments_is_one(ask):
    text = ask("--by", "department", "--format", "html").stdout

    assert text.count("<!DOCTYPE html>") == 1
    assert text.count("<h1>") == text.count("· plan of") - 1 >= 2


def test_a_long_history_is_read_in_parts_and_is_the_same(plan, monkeypatch):
    from analytics.capacity import sources

    monkeypatch.setattr(sources, "HISTORY", timedelta(days=10))
    parts, whole = plan("--weeks", "3"), plan()
    for name in ("history", "patience"):
        assert parts[name] == pytest.approx(whole[name])
    for name in ("past", "handle_times", "deferred"):
        for row, other in zip(parts[name], whole[name], strict=True):
            assert row == pytest.approx(other)


def test_a_history_may_begin_before_the_recording(plan):
    early = plan("--since", "2025-03-01", "--until", "2026-03-26")

    assert early["history"]["requested_count"] == plan()["history"]["requested_count"]
    assert early["history"]["since"] == "2025-03-01"


def test_nothing_recorded_is_said_of_all_the_days_asked_for(ask):
    done = ask("--since", "2025-01-01", "--until", "2025-12-01")

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: 2025-01-01 to 2025-12-01: nothing recorded of ")


def test_only_open_hours_are_planned(plan, tmp_path):
    hours = tmp_path / "hours.toml"
    hours.write_text(
        'tz = "Europe/Rome"\nmonday = ["09:00-18:00"]\nthursday = ["09:15-12:00"]\n'
        "dates.2026-03-30 = []\n"
    )
    found = plan("--opening-hours", hours)

    open_at = defaultdict(list)
    for row in found["plan"]:
        open_at[row["date"]].append(row["time"])
    assert set(open_at) == {"2026-03-26", "2026-04-02", "2026-04-06"}
    assert open_at["2026-03-26"] == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    assert (open_at["2026-04-06"][0], open_at["2026-04-06"][-1]) == ("09:00", "17:30")
    assert any("opening hours" in note for note in found["notes"])


def test_the_limit_of_chats_is_the_configured_one(plan, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("chat_limit = 2\n")

    assert plan()["assumptions"]["max_chats"] == 3
    assert plan("--config", config)["assumptions"]["max_chats"] == 2
    assert plan("--config", config, "--max-chats", "4")["assumptions"]["max_chats"] == 4


def test_the_last_twelve_weeks_are_the_history_if_nobody_says(recorded, ask):
    done = ask("--until", "2026-03-26", "--format", "json")

    history = json.loads(done.stdout)["history"]
    assert (history["since"], history["until"]) == ("2026-01-01", "2026-03-26")


def test_targets_that_ask_for_more_take_more_agents(plan):
    def agents(*options):
        return sum(row["agents_required"] for row in plan(*options)["plan"])

    usual = agents()
    assert agents("--target", "99/5") > usual
    assert agents("--max-occupancy", "0.2") > usual
    assert agents("--max-abandonment", "0.0001", "--target", "1/600") > agents("--target", "1/600")
    rows = plan("--shrinkage", "50%")["plan"]
    assert all(row["agents_rostered"] == 2 * row["agents_required"] for row in rows)


def test_the_table_says_what_it_rests_on(ask):
    text = " ".join(ask().stdout.split())

    for said in (
        "80 % of live chats are to be an agent's within 1m 00s (had, not yet answered)",
        "seasonal profile (used): off by",
        "seasonal naive: off by",
        "its 80 % band held",
        "of the intervals short of an agent or more",
        "In all",
        "hours of agents needed",
        "Does it hold? of the past the model says",
        "Work that can wait",
        "planned by the hours that they take",
    ):
        assert said in text


def test_what_could_not_be_tried_is_not_called_tried(ask):
    said = " ".join(ask("--since", "2026-03-09", "--until", "2026-03-25").stdout.split())

    assert "Forecast seasonal naive; too few weeks to try it on" in said
    assert "Note The forecast is last week's figures: there are too few weeks" in said
    assert "Does it hold? unknown: no time of the week had 10 chats to compare" in said


def test_a_past_without_a_steady_state_is_compared_with_nothing_and_says_so(plan):
    past = [Observed(1, 600, 1800, 20, 5, 400, 1.0)]
    found = calibrate(past, Demand(0, (600.0,)), 60)
    told = plan() | {"calibration": asdict(found) | {"fits": found.fits}}

    assert words.basis(told)[-1][1] == (
        "unknown: by the model the desk never had enough agents for a steady state"
    )


def test_too_few_agents_are_called_so_in_words():
    from analytics.capacity.words import UNDERSTAFFED, staffed

    row = defaultdict(lambda: None, agents_required=3, agents_rostered=5, is_understaffed=True)

    assert staffed(row)[5:] == [UNDERSTAFFED, "–", "–", "–"]


def test_a_page_draws_light_and_dark_and_tells_who_sees_nothing(ask, tmp_path):
    page = tmp_path / "plan.html"
    done = ask("--format", "html", "--output", page)

    text = page.read_text("utf-8")
    assert done.stdout == ""
    assert "<script" not in text
    assert "http://" not in re.sub(r'"data:[^"]*"', "", text)
    assert text.count("<picture>") == 2
    assert text.count('media="(prefers-color-scheme: dark)"') == 2
    assert re.search(r'<img alt="Agents needed: most on 2026-', text)
    assert "<td>80\N{NO-BREAK SPACE}% of live chats" in text
    assert "<summary>Thursday 2026-03-26</summary>" in text


def test_a_page_escapes_what_others_wrote(plan):
    from analytics.capacity import page

    told = plan() | {"department": "<b>Sales & more</b>", "plan": [], "past": []}

    text = page.draw([told])
    assert "<b>" not in text
    assert "&lt;b&gt;Sales &amp; more&lt;/b&gt;" in text


def test_a_picture_is_plain_svg_also_of_what_happened(ask):
    plan = ask("--format", "svg").stdout
    past = ask("--format", "svg", "--date", "2026-03-04").stdout

    for text, title in ((plan, "Agents needed"), (past, "Chats that needed a human")):
        assert text.startswith("<svg")
        assert title in text
        assert "<script" not in text


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_a_missing_extra_is_a_line(ask, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    done = ask("--format", "svg")

    assert done.exit_code == 1
    assert done.stderr == (
        "Error: charts: a package is missing; install it: pip install 'tiledesk-archive[report]'\n"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "80"), "'--target': target '80': write 80/60 for 80 % answered within 60 s"),
        (("--interval", "20m"), "'--interval': interval '20m': write 15m, 30m or 60m"),
        (("--shrinkage", "1"), "'--shrinkage': shrinkage '1': write 0.3 for 30 %"),
        (("--weeks", "5"), "'--weeks': 5 is not in the range 1<=x<=4."),
        (("--max-occupancy", "0"), "'--max-occupancy': 0.0 is not in the range 0<x<=1."),
        (("--max-abandonment", "2"), "'--max-abandonment': 2.0 is not in the range 0<x<=1."),
        (("--max-chats", "0"), "'--max-chats': 0 is not in the range 1<=x<=50."),
    ],
)
def test_a_wrong_option_says_how_to_write_it(ask, options, said):
    done = ask(*options)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "agents",
            f"what-if 'agents': write NAME=VALUE, with NAME one of {', '.join(WHAT_IF)}",
        ),
        (
            "agents=+1,agents=-1",
            "what-if 'agents=+1,agents=-1': agents is given twice; say it once",
        ),
        ("agents=3", "what-if agents=3: write +1 or -1"),
        ("max_chats=0", "what-if max_chats=0: write a number of chats, such as 4"),
        ("handle_time=-100%", "what-if handle_time=-100%: write -10% or +20%"),
        ("target=80", "target '80': write 80/60 for 80 % answered within 60 s"),
    ],
)
def test_a_wrong_supposition_says_how_to_write_it(ask, text, said):
    done = ask("--what-if", text)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {said}"


def test_a_department_that_is_not_there_is_refused_with_those_that_are(ask):
    done = ask("--department", "Nobody")

    assert done.exit_code == 1
    assert re.fullmatch(
        r"Error: department 'Nobody': no chats of it in these days; of \(none\), Sales.*\n",
        done.stderr,
    )
