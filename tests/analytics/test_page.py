"""The report as people read it."""

from __future__ import annotations

from datetime import date

import pytest

import analytics
from analytics import figures, page, render
from analytics.engine import Table
from analytics.report import build


@pytest.fixture(scope="module")
def told(desk):
    since, until = date(2026, 3, 3), date(2026, 3, 4)
    with analytics.open(desk.root, since=since, until=until, tz="Europe/Rome").archive as one:
        return build(one)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (65, "1m 05s"),
        (3599.6, "1h 00m"),
        (7800, "2h 10m"),
        (172_799, "2d 0h"),
        (172_800, "2d 0h"),
        (273_600, "3d 4h"),
    ],
)
def test_a_duration_reads_as_people_say_it(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "–"), (0, "0 %"), (0.5, "50 %"), (0.333, "33.3 %"), (0.99999, "99.9 %"), (1, "100 %")],
)
def test_a_share_is_whole_only_if_it_is(ratio, text):
    assert figures.percent(ratio) == text


def test_a_day_with_holes_says_so_before_anything_else(told):
    gaps = [
        {"since": f"2026-03-03T{hour:02d}:00:00Z", "until": f"2026-03-03T{hour:02d}:30:00Z"}
        | {"why": "connection lost" if hour == 8 else None}
        for hour in range(8, 16)
    ]
    holed = told | {"coverage": {"ratio": 0.8333, "gaps": gaps}}

    lines = page.draw(holed, lambda text, name: f"<{name}>{text}").splitlines()

    assert lines[1] == "<warning>Recorded 83.3 % of the time: the figures below are incomplete"
    assert lines[2] == "  missing 09:00:00 to 09:30:00  connection lost"
    assert lines[3] == "  missing 10:00:00 to 10:30:00  –"
    assert lines[7] == "  … and 3 more (--format json lists them)"


def test_figures_from_few_chats_are_marked(told):
    few = told["metrics"] | {
        "queue_time": [
            {
                "date": "2026-03-03",
                "requested_count": 2,
                "left_count": 0,
                "waiting_count": 0,
                "p50_s": 61.0,
                "p90_s": None,
                "p95_s": None,
                "mean_s": 61.0,
            }
        ]
    }

    drawn = page.draw(told | {"metrics": few})

    (line,) = [line for line in drawn.splitlines() if line.startswith("until an agent had it")]
    assert line.split()[5:] == ["2", "~1m", "01s", "–", "–", "~1m", "01s"]


def test_a_day_without_chats_is_drawn_too(desk):
    since, until = date(2026, 2, 27), date(2026, 2, 28)
    with analytics.open(desk.root, since=since, until=until).archive as one:
        drawn = page.draw(build(one))

    assert "Recorded 0 % of the time: the figures below are incomplete" in drawn
    assert "0 began" in drawn


def test_a_table_shows_null_and_lists_and_no_line_breaks():
    table = Table(("a", "b", "c"), ("", "", ""), [(None, ["x", "y"], "one\ntwo"), (1.50, [], "z")])

    assert render.table_as(table, "table") == (
        "a       b        c\n–    x, y  one two\n1.5              z\n"
    )
    assert render.table_as(table, "csv") == 'a,b,c\n,"[""x"", ""y""]","one\ntwo"\n1.5,[],z\n'
    assert render.table_as(table, "json").startswith('[\n  {\n    "a": null,')
