"""What the page is told: the figures as plain data, nothing that is a text or a visitor's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from analytics.dashboard.live import Figures
from analytics.dashboard.normal import Happening, Normal
from analytics.dashboard.told import LISTED, project
from analytics.settings import Settings
from analytics.window import Window

NOW = datetime(2026, 11, 20, 14, 30)
WINDOW = Window(date(2026, 11, 20), date(2026, 11, 21), "Europe/Rome", NOW)  # 15:30 there
SERVICE = {
    "service_level_ratio": 0.5,
    "in_time_count": 2,
    "base_count": 4,
    "coverage_ratio": 1.0,
}


def waiting(state, seconds):
    return {
        "conversation_id": f"chat-{state}-{seconds}",
        "state": state,
        "department_name": None,
        "channel": "chat21",
        "agent_name": None,
        "waiting_since": NOW - timedelta(seconds=seconds),
        "waiting_s": float(seconds),
    }


def figures(**changes):
    gauges = {"last_event_at": NOW, "covered_until": NOW} | changes.pop("gauges", {})
    made = Figures(
        "p1",
        WINDOW,
        Settings(),
        gauges,
        {"service_level": SERVICE},
        changes.pop("happenings", []),
        [],
        changes.pop("waiting", []),
        changes.pop("why", None),
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("seconds_ago", "state"), [(0, "recording"), (30, "recording"), (31, "down")]
)
def test_a_recorder_without_a_sign_of_life_for_half_a_minute_is_down(seconds_ago, state):
    until = NOW - timedelta(seconds=seconds_ago)

    told = project(figures(gauges={"covered_until": until}, why="the recorder died"), None)

    assert told["recorder"]["state"] == state
    assert told["recorder"]["why"] == ("the recorder died" if state == "down" else None)


def test_what_was_recorded_long_ago_only_is_down_since_then():
    nothing = {"last_event_at": None, "covered_until": None}

    told = project(figures(gauges=nothing), None, date(2026, 11, 16))

    assert told["recorder"]["state"] == "down"
    assert told["recorder"]["last_day"] == "2026-11-16"


def test_without_an_event_or_a_vouched_time_nothing_is_recorded_yet():
    nothing = {"last_event_at": None, "covered_until": None}

    assert project(figures(gauges=nothing), None)["recorder"]["state"] == "empty"


def test_what_was_received_but_never_vouched_for_is_down():
    assert project(figures(gauges={"covered_until": None}), None)["recorder"]["state"] == "down"


def test_chats_wait_too_long_by_the_target_of_their_state():
    rows = [
        waiting("active", 121),
        waiting("active", 120),
        waiting("incoming", 61),
        waiting("assigned", 60),
    ]

    told = project(figures(waiting=rows), None)

    assert [row["conversation_id"] for row in told["late"]] == [
        "chat-active-121",
        "chat-incoming-61",
    ]


def test_of_very_many_the_longest_are_listed_and_all_counted():
    rows = [waiting("incoming", 5000 - n) for n in range(LISTED + 7)]

    told = project(figures(waiting=rows), None)

    assert told["late_count"] == LISTED + 7
    assert [row["conversation_id"] for row in told["late"]] == [
        row["conversation_id"] for row in rows[:LISTED]
    ]


def test_a_day_so_far_stands_beside_usual_days_at_the_same_time_of_day():
    came = [Happening("opened", 9, 0), Happening("opened", 15, 29), Happening("closed", 15, 0)]
    usual = Normal(
        (date(2026, 11, 13), date(2026, 11, 6)),
        [Happening("opened", 15, 29), Happening("opened", 15, 30), Happening("opened", 9, 5)],
    )

    today = project(figures(happenings=came), usual)["today"]

    assert today["normal_days"] == 2
    assert today["arrivals"]["count"] == 2
    assert today["arrivals"]["by_hour"] == [*[0] * 9, 1, *[0] * 5, 1]
    assert today["arrivals"]["normal_until_now"] == 1.0
    assert today["arrivals"]["normal_by_hour"][15] == 1.0
    assert today["closes"]["count"] == 1
    assert today["closes"]["normal_until_now"] == 0.0


@pytest.mark.parametrize("usual", [None, Normal((), [])])
def test_without_usual_days_nothing_is_compared(usual):
    today = project(figures(), usual)["today"]

    assert today["arrivals"]["normal_until_now"] is None
    assert today["arrivals"]["normal_by_hour"] is None


def test_all_of_it_is_json():
    told = project(figures(waiting=[waiting("incoming", 500)]), None)

    assert json.loads(json.dumps(told)) == told
    assert told["late"][0]["waiting_since"] == "2026-11-20T14:21:40.000000Z"
