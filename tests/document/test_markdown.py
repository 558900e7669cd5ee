"""The report for chat and mail."""

from __future__ import annotations

import pytest

from analytics import queries
from analytics.document import markdown


@pytest.fixture(scope="module")
def report(day):
    """Return the report that nobody chose the metrics of."""
    return day.report | {"metrics": {name: day.report["metrics"][name] for name in queries.REPORT}}


@pytest.fixture(scope="module")
def text(report):
    return markdown.text(report)


def test_it_tells_the_day_in_a_screen(day, text):
    lines = text.splitlines()
    offered = day.report["metrics"]["chats_offered"][-1]

    assert lines[0] == "# Monday, 09 March 2026"
    assert lines[2].startswith("Project 5f6c1d2e3a4b5c6d7e8f9a0b · Europe/Rome · recorded 95.8 %")
    assert lines[4].startswith(f"- chats began: **{offered['sessions_count']}** (")
    assert any(line.startswith(f"- {offered['sessions_count']} chats began: ") for line in lines)
    assert lines[-1].startswith("As Tiledesk counts: chats ")
    assert len(lines) < 30


def test_it_names_no_person_and_shows_no_picture(day, text):
    assert not [name for name in day.names if name in text]
    assert "![" not in text
    assert "<" not in text


def test_the_command_prints_it(day, text, ask):
    asked = ("report", "--archive", day.archive, "--date", "2026-03-09", "--tz", "Europe/Rome")

    done = ask(*asked, "--format", "markdown")

    assert (done.exit_code, done.stdout) == (0, text)


def test_a_day_hardly_recorded_says_what_is_missing(report):
    gaps = [
        {
            "since": f"2026-03-09T{hour:02}:00:00Z",
            "until": f"2026-03-09T{hour:02}:30:00Z",
            "why": why,
        }
        for hour, why in ((8, None), (9, "1006 *gone*"), (10, None), (11, None), (12, None))
    ]
    text = markdown.text(report | {"coverage": {"ratio": 0.5, "gaps": gaps}})

    assert "**recorded 50 % of the time: the figures are incomplete**" in text
    assert "- missing 2026-03-09 10:00 to 2026-03-09 10:30 (1006 \\*gone\\*)" in text
    assert "- … and 2 more" in text


def test_chosen_metrics_are_tables_with_names_escaped(day, ask):
    done = ask(
        "report",
        *("--archive", day.archive, "--date", "2026-03-09"),
        *("--format", "markdown", "--metrics", "agent_chats"),
    )

    assert "## agent_chats" in done.stdout
    assert "\\<script\\>alert\\('x'\\)\\</script\\>" in done.stdout
    assert "\\{\\{ 7 \\* 7 \\}\\} \\$\\{x\\} \\`y\\`" in done.stdout


@pytest.mark.parametrize(
    ("told", "shown"),
    [("a|b", "a\\|b"), ("a\nb  c", "a b c"), ("@here", "\\@here"), ("plain", "plain")],
)
def test_signs_of_markdown_are_escaped(told, shown):
    assert markdown.escaped(told) == shown
