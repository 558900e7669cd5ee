"""Charts as specifications: what they show of rows, and that Altair accepts them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analytics.document import charts, lanes, svg
from analytics.document.clock import Clock
from analytics.document.palette import LIGHT

CLOCK = Clock.of(date(2026, 3, 9), "UTC")
GAPS = [{"since": "2026-03-09T11:00:00Z", "until": "2026-03-09T12:00:00Z", "why": None}]


def interval(hour, **told):
    return {
        "since": f"2026-03-09T{hour:02}:00:00Z",
        "until": f"2026-03-09T{hour:02}:30:00Z",
        "coverage_ratio": 1.0,
        "opened_count": 3,
        "closed_count": 1,
        "open_count": 7,
        "waiting_count": 1,
        "agent_count": 2,
        "bot_count": 0,
        "agents_mean": 2.5,
        "busy_mean": 1.5,
        "agents_required": 3,
    } | told


def hour(number, **told):
    return {
        "hour": f"{number:02}",
        "answered_count": 5,
        "in_time_count": 3,
        "abandoned_count": 2,
        "overdue_count": 0,
        "base_count": 7,
        "service_level_ratio": 3 / 7,
        "coverage_ratio": 1.0,
        "p50_s": 30.0,
        "p90_s": 90.0,
        "p95_s": 120.0,
    } | told


def stretch(since, until, **told):
    return {
        "agent_id": "a1",
        "agent_name": "Anna",
        "since": f"2026-03-09T{since}:00Z",
        "until": f"2026-03-09T{until}:00Z",
        "is_available": True,
        "chats_count": 0,
        "is_at_limit": False,
    } | told


WEEK = [
    {"weekday": day, "hour": n, "exposure_h": 4.0, "arrivals_per_h": day * n / 10}
    for day in range(1, 8)
    for n in range(24)
]
RATED = {f"rating_{stars}_count": stars for stars in range(1, 6)}
EVERY = {
    "arrivals": lambda: charts.arrivals([interval(9)], GAPS, CLOCK),
    "backlog": lambda: charts.backlog([interval(9)], GAPS, CLOCK),
    "agents": lambda: charts.agents([interval(9)], GAPS, CLOCK),
    "staffing": lambda: charts.staffing([interval(9)], GAPS, CLOCK),
    "recording": lambda: charts.recording(GAPS, 24.0, CLOCK),
    "service_level": lambda: charts.service_level([hour(9)], 0.95),
    "needing": lambda: charts.needing([hour(9)], 0.95),
    "waits_by_hour": lambda: charts.waits_by_hour([hour(9)], 0.95),
    "patience": lambda: charts.patience([{"wait_s": 60.0, "still_waiting_ratio": 0.5}]),
    "ratings": lambda: charts.ratings(RATED),
    "days": lambda: charts.days({date(2026, 3, 9): 5, date(2026, 3, 11): 7}),
    "timeline": lambda: lanes.timeline([stretch("09:00", "10:00")], GAPS, CLOCK),
    "waits": lambda: lanes.waits([hour(9, name="reply")]),
    "week": lambda: lanes.week(WEEK),
    "nothing: backlog": lambda: charts.backlog([], [], CLOCK),
    "nothing: waits by hour": lambda: charts.waits_by_hour([hour(9, p50_s=None)], 0.95),
    "nothing: patience": lambda: charts.patience([]),
    "nothing: timeline": lambda: lanes.timeline([], [], CLOCK),
    "nothing: waits": lambda: lanes.waits([hour(9, name="reply", p50_s=None)]),
    "nothing: week": lambda: lanes.week([]),
}


def rows(chart, layer=0, **only):
    """Return the rows of a layer that have some values."""
    told = chart.to_dict()
    found = (told | told["layer"][layer])["data"]["values"]  # the only layer's stand above it
    return [row for row in found if only.items() <= row.items()]


@pytest.mark.parametrize("name", EVERY)
def test_a_chart_is_one_that_altair_accepts_and_can_be_drawn(name):
    chart = EVERY[name]()

    assert chart.to_dict(validate=True)["layer"]
    drawn = svg.draw(chart, "one", "A title", "What it shows")
    assert drawn.wide.startswith("<svg ")
    assert 'id="one-narrow"' in drawn.narrow


def test_a_gap_is_a_band_where_it_lies():
    assert rows(charts.arrivals([interval(9)], GAPS, CLOCK)) == [{"x": 11.0, "x2": 12.0}]


def test_open_chats_are_stacked_by_what_they_wait_for():
    chart = charts.backlog([interval(9)], [], CLOCK)

    stacked = [(row["series"], row["y0"], row["y"]) for row in rows(chart)]

    assert stacked == [
        ("waiting for an agent", 0, 1),
        ("with an agent", 1, 3),
        ("set aside, or with nobody", 3, 7),
    ]


def test_an_instant_that_nobody_vouches_for_is_left_out():
    chart = charts.backlog([interval(9, open_count=None), interval(10)], [], CLOCK)

    assert {round(row["x"]) for row in rows(chart)} == {10}


def test_what_was_not_recorded_at_all_has_no_agents():
    chart = charts.staffing([interval(9, coverage_ratio=0.0)], [], CLOCK)

    assert rows(chart, 0) == []


def test_few_chats_are_a_weaker_bar_and_an_hour_without_any_is_none():
    chart = charts.service_level(
        [hour(8, service_level_ratio=None), hour(9), hour(10, base_count=4)], 0.95
    )

    assert [(int(row["x"]), row["series"]) for row in rows(chart)] == [
        (9, "answered in time"),
        (10, "the same, fewer than 5 chats"),
    ]


def test_an_hour_hardly_recorded_is_marked():
    assert rows(charts.needing([hour(9, coverage_ratio=0.5)], 0.95)) == [{"x": 9, "x2": 10}]


def test_an_agent_s_day_shows_states_and_chats():
    stretches = [
        stretch("09:00", "10:00"),
        stretch("10:00", "11:00", chats_count=2, is_at_limit=True),
        stretch("11:00", "12:00", chats_count=1, is_at_limit=None),
        stretch("12:00", "13:00", chats_count=1, is_available=False),
    ]
    chart = lanes.timeline(stretches, [], CLOCK)

    there = [(row["x"], row["x2"]) for row in rows(chart, series="available")]
    full = [(row["x"], row["x2"]) for row in rows(chart, series="available, at the limit")]
    chats = [(row["x"], row["x2"]) for row in rows(chart, series="chats at once")]
    assert there == [(9, 10), (11, 12)]
    assert full == [(10, 11)]
    assert chats == [(10, 11), (11, 13)]
    assert rows(chart, 1) == [{"x": 0.0, "y": 0.22, "text": "Anna"}]
    assert rows(chart, 2)[0]["text"] == "2 at most"


def test_a_gap_cuts_an_agent_s_stretch():
    stretches = [stretch("09:00", "10:00"), stretch("10:30", "11:00")]

    chart = lanes.timeline(stretches, [], CLOCK)

    assert [(row["x"], row["x2"]) for row in rows(chart)] == [(9, 10), (10.5, 11)]


def test_hours_of_the_week_are_levels_and_what_was_not_recorded_is_none():
    told = [
        {"weekday": 1, "hour": 0, "exposure_h": 4.0, "arrivals_per_h": 0.0},
        {"weekday": 1, "hour": 1, "exposure_h": 4.0, "arrivals_per_h": 30.75},
        {"weekday": 1, "hour": 2, "exposure_h": 4.0, "arrivals_per_h": 7.0},
        {"weekday": 1, "hour": 3, "exposure_h": 0.2, "arrivals_per_h": 99.0},
        {"weekday": 1, "hour": 4, "exposure_h": 0.0, "arrivals_per_h": None},
    ]
    chart = lanes.week(told)

    assert [row["series"] for row in rows(chart)] == [
        "none",
        "to 35",
        "to 7",
        "not recorded",
        "not recorded",
    ]
    assert [row["told"] for row in rows(chart, 1)] == ["31", "7"]


def test_the_page_s_legend_tells_what_the_colours_are():
    drawn = svg.draw(charts.arrivals([interval(9)], GAPS, CLOCK), "one", "A title", "Told")

    assert drawn.keys == (
        (LIGHT.main, "began"),
        (LIGHT.second, "closed"),
        (LIGHT.gap, "not recorded"),
    )


def test_a_name_is_told_letter_by_letter():
    name = 'Bob role="boss" 1.23456'
    chart = lanes.timeline([stretch("09:00", "10:00", agent_name=name)], [], CLOCK)

    assert f">{name}</text>" in svg.draw(chart, "one", "A title", "Told").wide


def test_titles_and_names_cannot_leave_their_element():
    chart = lanes.timeline([stretch("09:00", "10:00", agent_name="</text><b>\\1")], [], CLOCK)

    drawn = svg.draw(chart, "one", "</title><b>\\1", '"</desc><b>')

    assert "<b>" not in drawn.wide
    assert "&lt;/title&gt;&lt;b&gt;\\1" in drawn.wide
    assert "&lt;/text&gt;&lt;b&gt;\\1" in drawn.wide


def test_a_notebook_draws_them_as_the_document_says(archive, tmp_path, monkeypatch):
    told = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", told, re.MULTILINE | re.DOTALL)
    (tmp_path / "chats").symlink_to(archive)
    monkeypatch.chdir(tmp_path)

    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 (our own document)

    for name in ("arrivals", "timeline"):
        assert names[name].to_dict(validate=True)["width"] == 700
    assert len(rows(names["timeline"], 1)) > 10
