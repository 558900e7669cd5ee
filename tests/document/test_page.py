"""The page as a file: what is in it, and what cannot be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import nullcontext
from datetime import date, datetime
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from analytics import queries
from analytics.document import facts, material

SVG = "{http://www.w3.org/2000/svg}"
SECTIONS = [
    "glance",
    "day",
    "waits",
    "service",
    "week",
    "agents",
    "abandonment",
    "satisfaction",
    "staffing",
    "tiledesk",
    "recording",
]


class Elements(HTMLParser):
    """Every element's name and attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def named(self, name):
        return [attributes for tag, attributes in self.found if tag == name]


def sections(page):
    return [one["id"] for one in Elements(page).named("section")]


def pictures(page):
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    return [ET.fromstring(one) for one in drawn]  # noqa: S314 (ours)


def test_a_day_has_every_section_in_order_and_every_metric_a_place(day):
    further = [f"metric-{name}" for name in queries.METRICS if name not in queries.REPORT]

    assert sections(day.html) == [*SECTIONS, *further]


def test_nothing_is_fetched_and_nothing_runs(day):
    elements = Elements(day.html)
    names = {tag for tag, _ in elements.found}
    attributes = {name for _, one in elements.found for name in one}

    assert not names & {"script", "link", "img", "iframe", "object", "embed", "image", "use"}
    assert not attributes & {"src", "srcset", "data", "xlink:href", "action", "ping"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import", day.html)
    assert {one["href"][0] for one in elements.named("a")} == {"#"}
    (policy,) = [one for one in elements.named("meta") if "http-equiv" in one]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_names_are_told_as_they_are_and_never_read_as_markup(day):
    cells = re.findall(r"<bdi>([^<]*)</bdi>", day.html)
    assert {unescape(cell) for cell in cells} == set(day.names)
    (timeline,) = [one for one in pictures(day.html) if one.get("id") == "timeline"]
    drawn = {text.text for text in timeline.iter(f"{SVG}text")}

    assert len(drawn & set(day.names)) > 2
    assert "<script>alert('x')</script>" in drawn


def test_every_picture_is_told_in_words_and_bears_a_name_of_its_own(day):
    drawn = pictures(day.html)
    ids = [one["id"] for _, one in Elements(day.html).found if "id" in one]

    assert len(drawn) > 20
    assert len(ids) == len(set(ids))
    for one in drawn:
        title, told = one.find(f"{SVG}title"), one.find(f"{SVG}desc")
        assert one.get("role") == "img"
        assert one.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
        assert title.text
        assert told.text


def test_pictures_have_the_page_s_colours_only(day):
    for one in pictures(day.html):
        for element in one.iter():
            for name in ("fill", "stroke"):
                colour = element.get(name, "none")
                assert colour in {"none", "transparent"} or colour.startswith("var(--"), colour


def test_the_gap_is_drawn_on_each_axis_of_the_day(day):
    marked = {
        one.get("id")
        for one in pictures(day.html)
        if any(element.get("fill") == "var(--gap)" for element in one.iter())
    }

    assert marked >= {"arrivals", "backlog", "agents-there", "timeline", "staffing-map"}
    assert marked >= {"service-level", "needing", "times-by-hour"}


def test_definitions_are_those_of_the_queries(day):
    told = dict(re.findall(r"<dt><code>(\w+)</code></dt>\s*<dd>(.*?)\n", day.html))

    assert set(told) <= set(queries.METRICS)
    assert len(told) > 20
    for name, doc in told.items():
        assert unescape(doc) == queries.load("metrics", name).doc


def test_a_metric_s_definition_tells_its_caveat():
    (told,) = facts.definitions("queue_time")

    assert ("know that", queries.load("metrics", "queue_time").caveat) in told.lines


def test_a_day_hardly_recorded_says_so_first_and_guesses_no_staffing(archive, ask):
    asked = ("--date", "2026-03-01", "--tz", "Asia/Tokyo", "--format", "html")
    told = ask("report", "--archive", archive, *asked).stdout

    assert told.index("the figures below are incomplete") < told.index("<h2")
    assert re.search(r"Not told: \d+ live chats were done in four weeks; \d+ tell how long", told)
    assert "staffing-map" not in told


def test_a_day_of_which_nothing_is_known_says_so(archive, ask):
    asked = ("--date", "2026-03-11", "--format", "html")
    told = ask("report", "--archive", archive, *asked).stdout

    assert "Recorded 0 % of the time: the figures below are incomplete" in told
    assert "No chat needed a human." in told
    assert "Nobody rated a chat." in told
    assert "Nothing is known of any agent." in told
    assert "Not told: no interval of the day was recorded." in told
    assert ">–</data> of " not in told
    assert {one.get("id") for one in pictures(told)} == {
        f"{name}{width}"
        for name in ("arrivals", "backlog", "agents-there", "week-map", "recorded")
        for width in ("", "-narrow")
    }


def test_more_may_leave_in_a_day_than_come_and_are_no_share_of_them(archive, ask):
    asked = ("report", "--archive", archive, "--date", "2026-03-03", "--tz", "Europe/Rome")
    early = (*asked, "--as-of", "2026-03-03T06:00")
    (row,) = json.loads(ask(*early, "--format", "json").stdout)["metrics"]["abandonment"]
    left = row["abandoned_queue_count"] + row["abandoned_assigned_count"]
    came = row["requested_count"]
    page = re.sub(r"<[^>]+>", "", ask(*early, "--format", "html").stdout)

    assert left > came
    assert f"{left} left without an answer, some come before; {came} needed a human since" in (
        ask(*early).stdout
    )
    assert f"{left} chats ended without a reply: {row['abandoned_queue_count']} before" in page
    assert f"Some had come before; {came} needed a human since." in page


def test_what_is_not_over_is_drawn_as_far_as_it_is(archive, request_of):
    noon = datetime(2026, 3, 10, 12)
    request = request_of(archive, day=date(2026, 3, 10), as_of=noon)

    found = material.read(
        request, request.window(), queries.REPORT, compare=False, progress=nullcontext
    )

    assert found.day.reached == 12
    for rows in (found.day.backlog, found.day.intervals, found.day.staffing.rows):
        assert [row["since"] for row in rows][-1] == "2026-03-10T11:30:00.000000Z"


def test_several_days_are_told_day_by_day_and_not_by_the_hour(archive, ask):
    told = ask(
        "report",
        "--archive",
        archive,
        "--since",
        "2026-03-07",
        "--until",
        "2026-03-10",
        "--format",
        "html",
    ).stdout

    assert sections(told) == [one for one in SECTIONS if one not in {"day", "staffing"}]
    assert re.findall(r'<th scope="row">(Sat 07 Mar|Sun 08 Mar|Mon 09 Mar)</th>', told)
    assert 'id="timeline"' not in told


def test_chosen_metrics_are_told_as_they_are(archive, ask):
    told = ask(
        "report",
        "--archive",
        archive,
        "--date",
        "2026-03-09",
        "--format",
        "html",
        "--metrics",
        "queue_time,agent_closes",
    ).stdout

    assert sections(told) == ["metric-queue_time", "metric-agent_closes"]
    assert "<svg" not in told


def test_a_file_is_for_its_owner_only(day):
    assert day.page.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["altair", "jinja2", "vl_convert"])
def test_a_missing_extra_is_one_line(archive, name):
    without = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "from analytics.cli import cli; cli(sys.argv[1:], prog_name='analytics')"
    )
    asked = ("report", "--archive", archive, "--date", "2026-03-09", "--format", "html")
    done = subprocess.run(
        [sys.executable, "-c", without, *asked], capture_output=True, text=True, check=False
    )

    line = (
        "Error: charts: a package is missing; install it: pip install 'tiledesk-archive[report]'\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--every-day",), "--every-day and --output-dir belong together; give both"),
        (("--output-dir", "d"), "--every-day and --output-dir belong together; give both"),
        (
            ("--every-day", "--output-dir", "d", "--format", "json"),
            "--every-day writes HTML; leave out --format and --output",
        ),
        (
            ("--every-day", "--output-dir", "d", "--output", "f"),
            "--every-day writes HTML; leave out --format and --output",
        ),
        (("--force",), "--force is for --every-day; a single report is always written"),
    ],
)
def test_options_that_do_not_go_together_are_refused(archive, ask, options, said):
    done = ask("report", "--archive", archive, *options)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {said}"
