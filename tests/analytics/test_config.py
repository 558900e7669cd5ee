"""The file of settings: what holds for which project, and what is wrong in it."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from analytics.config import KEYS, OPTIONS, Config, read
from analytics.errors import SettingWrong
from analytics.hours import WEEKDAYS
from analytics.settings import Settings

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MONDAY = 'write monday = ["09:00-13:00"]'


@pytest.fixture
def configure(tmp_path):
    """Write a file of settings, and read it."""

    def call(text):
        path = tmp_path / "analytics.toml"
        path.write_text(text)
        return read(path)

    return call


def test_without_a_file_all_is_as_built_in():
    desk = Config().desk("p", {})

    assert (desk.tz, desk.hours, desk.settings) == ("UTC", None, Settings())


def test_every_setting_but_what_is_asked_may_be_configured():
    known = {key.field for key in KEYS.values()}
    asked = {"breakdown", "interval_minutes"}

    assert {one.name for one in fields(Settings)} - known == asked
    assert known - {one.name for one in fields(Settings)} == {"tz", "opening_hours"}


def test_options_come_before_the_project_before_all_projects(configure):
    config = configure(
        """
        tz = "Asia/Tokyo"
        answer_target = 30
        reply-target = 90
        chat_limit = 5
        [projects.p]
        tz = "Europe/Rome"
        answer_target = 20
        coverage_threshold = 1
        """
    )

    desk = config.desk("p", {"chat_limit": 2, "tz": None})
    assert desk.tz == "Europe/Rome"
    assert desk.settings == Settings(
        answer_target_s=20.0, reply_target_s=90.0, chat_limit=2, coverage_threshold=1.0
    )
    assert config.desk("other", {}).tz == "Asia/Tokyo"
    assert config.desk("other", {}).settings.answer_target_s == 30.0
    assert config.desk("p", {"tz": "UTC"}).tz == "UTC"


def test_options_of_commands_are_handed_on(configure):
    config = configure('archive = "chats"\nlook-back = 3\nidle_limit = 60')

    assert config.options == {"archive": "chats", "look_back": 3}
    assert config.desk("p", {}).settings.idle_limit_s == 60.0


def test_hours_stand_in_the_file(configure):
    config = configure(
        """
        tz = "Europe/Rome"
        [projects.p.opening_hours]
        monday = ["09:00-18:00"]
        holidays = "IT"
        dates.2026-12-07 = []
        [projects.p.opening_hours.departments.nights]
        monday = ["22:00-24:00"]
        """
    )

    hours = config.desk("p", {}).hours
    assert hours is not None
    assert hours.between(datetime(2026, 12, 7), datetime(2026, 12, 15), "Europe/Rome") == [
        ("", datetime(2026, 12, 14, 8), datetime(2026, 12, 14, 17)),
        ("nights", datetime(2026, 12, 14, 21), datetime(2026, 12, 14, 23)),
    ]
    assert config.desk("other", {}).hours is None


PROJECT = {
    "_id": "p",
    "activeOperatingHours": True,
    "operatingHours": json.dumps(
        {"1": [{"start": "09:00", "end": "13:00"}], "tzname": "Europe/Rome"}
    ),
    "timeSlots": {
        "6a1c": {
            "name": "Nights",
            "hours": json.dumps({"1": [{"start": "20:00", "end": "21:00"}], "tzname": "UTC"}),
        }
    },
}


def test_hours_are_read_from_files_beside_the_one_that_names_them(configure, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "project.json").write_text(json.dumps(PROJECT))
    (tmp_path / "shop" / "hours.toml").write_text(
        """
        file = "project.json"
        dates.2026-03-09 = ["10:00-11:00"]
        departments.nights = { file = "project.json", slot = "Nights", dates = {} }
        departments.sales = "project.json"
        """
    )
    hours = configure('opening_hours = "shop/hours.toml"').desk("p", {}).hours

    assert hours is not None
    assert hours.between(datetime(2026, 3, 2), datetime(2026, 3, 10), "UTC") == [
        ("", datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 12)),
        ("", datetime(2026, 3, 9, 9), datetime(2026, 3, 9, 10)),
        ("nights", datetime(2026, 3, 2, 20), datetime(2026, 3, 2, 21)),
        ("nights", datetime(2026, 3, 9, 20), datetime(2026, 3, 9, 21)),
        ("sales", datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 12)),
        ("sales", datetime(2026, 3, 9, 9), datetime(2026, 3, 9, 10)),
    ]


def test_the_time_zone_of_the_hours_is_that_of_a_project_that_names_none(configure, tmp_path):
    (tmp_path / "project.json").write_text(json.dumps(PROJECT))
    hours = 'opening_hours = "project.json"'

    assert configure(hours).desk("p", {}).tz == "Europe/Rome"
    assert configure(f'{hours}\ntz = "Asia/Tokyo"').desk("p", {}).tz == "Asia/Tokyo"


def test_the_files_that_the_documents_show_are_right(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
    shown, hours, tiledesk = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for name, content in {"shown": shown, "shop": hours, "tiledesk": tiledesk}.items():
        (tmp_path / f"{name}.toml").write_text(content)
    (tmp_path / "project.json").write_text(json.dumps(PROJECT))

    config = read(tmp_path / "shown.toml")
    shop = config.desk("64ff0a0b1c2d3e4f5a6b7c8d", {})
    nights = read(tmp_path / "tiledesk.toml").desk("64ff0a0b1c2d3e4f5a6b7c8d", {}).hours

    told = {*config.options, *config.general, *config.projects["64ff0a0b1c2d3e4f5a6b7c8d"]}
    assert told == {"archive", "memory_limit", *KEYS}
    assert config.general["answer_target"] == Settings().answer_target_s
    assert shop.hours is not None
    assert len(shop.hours.calendars) == 3
    assert nights is not None
    assert set(nights.calendars) == {"", "6500aa01bb02cc03dd04ee05"}


KNOWN = ", ".join((*OPTIONS, *KEYS, "projects"))
OWN = ", ".join(KEYS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tz = ", "not TOML: Invalid value (at end of document)"),
        ("timezone = 1", f"no setting 'timezone'; there is {KNOWN}"),
        ("[projects.p]\nzone = 1", f"projects.p: no setting 'zone'; there is {OWN}"),
        ("[projects.p]\narchive = 1", f"projects.p: no setting 'archive'; there is {OWN}"),
        ("projects = 1", 'projects: no sections; write [projects.ID] and tz = "…" below'),
        ("projects.p = 1", 'projects: no sections; write [projects.ID] and tz = "…" below'),
        (
            'tz = "Mars/Base"',
            "tz: 'Mars/Base' is no time zone; write an IANA name: Europe/Rome",
        ),
        (
            "[projects.p]\ntz = 1",
            "projects.p.tz: 1 is no time zone; write an IANA name: Europe/Rome",
        ),
        ("answer-target = -1", "answer_target: -1 is no number of seconds; write 60"),
        ('short_wait = "5 s"', "short_wait: '5 s' is no number of seconds; write 60"),
        ("idle_limit = nan", "idle_limit: nan is no number of seconds; write 60"),
        ("pause_limit = true", "pause_limit: True is no number of seconds; write 60"),
        (
            "[projects.p]\nchat_limit = 0",
            "projects.p.chat_limit: 0 is no number of chats; write 4",
        ),
        ("chat_limit = 2.5", "chat_limit: 2.5 is no number of chats; write 4"),
        (
            "coverage_threshold = 95",
            "coverage_threshold: 95 is no share; write 0.95 for 95 %",
        ),
        (
            'service_base = "all"',
            ("service_base: 'all' is none of answered, offered, no-abandon; write one of them"),
        ),
        (
            "service_base = []",
            "service_base: [] is none of answered, offered, no-abandon; write one of them",
        ),
        ("opening_hours = 9", f"opening_hours: no table of hours; {MONDAY}"),
        (
            'opening_hours = "none.toml"',
            "opening_hours: {folder}/none.toml: cannot read it (No such file or directory)",
        ),
        (
            "opening_hours.file = 9",
            """opening_hours: file: 9 is no name of a file; write "hours.toml\"""",
        ),
        (
            "[projects.p.opening_hours]\nmonday = [9]",
            "projects.p.opening_hours: monday: 9 is no slot; write 09:00-13:00",
        ),
        (
            'opening_hours = "wrong.json"',
            (
                "opening_hours: {folder}/wrong.json: not JSON:"
                " Expecting value: line 1 column 1 (char 0)"
            ),
        ),
        (
            'opening_hours = "wrong.toml"',
            "opening_hours: {folder}/wrong.toml: monday: '9' is no slot; write 09:00-13:00",
        ),
        (
            'opening_hours = "loop.toml"',
            ("opening_hours: {folder}/loop.toml: {folder}/loop.toml: names itself; leave out file"),
        ),
        (
            'opening_hours = "binary.toml"',
            "opening_hours: {folder}/binary.toml: cannot read it (not text)",
        ),
        (
            '[opening_hours]\nfile = "hours.toml"\nslot = "Nights"',
            "opening_hours: {folder}/hours.toml: timeSlots: none are here; leave out slot",
        ),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file_and_the_key(
    configure, tmp_path, text, message
):
    (tmp_path / "wrong.json").write_text("monday")
    (tmp_path / "wrong.toml").write_text('monday = ["9"]')
    (tmp_path / "loop.toml").write_text('file = "loop.toml"')
    (tmp_path / "hours.toml").write_text('monday = ["09:00-10:00"]')
    (tmp_path / "binary.toml").write_bytes(b"\xff")

    with pytest.raises(SettingWrong) as caught:
        configure(text)

    assert str(caught.value) == f"{tmp_path}/analytics.toml: {message.format(folder=tmp_path)}"


WEEK = "\n".join(f'{day} = ["{{slots}}"]' for day in WEEKDAYS)
ASKED = ("--date", "2026-03-04", "--tz", "Europe/Rome", "--format", "json")


def overlap(fact):
    """Return how much of a fact lies within 09:00 to 18:00 in Rome, in winter."""
    since, until = (
        datetime.fromisoformat(fact[edge]).astimezone(UTC).replace(tzinfo=None)
        for edge in ("since", "until")
    )
    nights = (until.date() - since.date()).days + 1
    mornings = [datetime.combine(since.date(), time(8)) + n * DAY for n in range(nights)]
    inside = [min(until, one + 9 * HOUR) - max(since, one) for one in mornings]
    return sum(one.total_seconds() for one in inside if one > timedelta())


@pytest.mark.parametrize("metric", ["first_response_human", "session_duration"])
def test_times_are_counted_in_opening_hours(desk, ask, tmp_path, metric):
    hours = tmp_path / "hours.toml"
    hours.write_text(WEEK.format(slots="09:00-18:00"))
    asked = ("--archive", desk.root, "--opening-hours", hours, *ASKED)

    (row,) = json.loads(ask("metric", metric, *asked).stdout)
    facts = json.loads(
        ask("sql", f"select since, until from measured where fact = '{metric}'", *asked).stdout
    )

    times = sorted(map(overlap, facts))
    assert row["p50_bh_s"] == pytest.approx(statistics.median(times))
    assert row["mean_bh_s"] == pytest.approx(statistics.fmean(times))
    assert 0 < row["mean_bh_s"] < row["mean_s"]


def test_waits_that_began_before_what_is_read_are_counted_whole(desk, ask, tmp_path):
    config = tmp_path / "analytics.toml"
    week = WEEK.format(slots="00:00-24:00")
    config.write_text(f"[projects.{desk.project_id}.opening_hours]\n{week}")
    asked = ("--archive", desk.root, "--config", config, "--look-back", "0", *ASKED)

    (row,) = json.loads(ask("metric", "session_duration", *asked).stdout)
    (first,) = json.loads(
        ask(
            "sql",
            "select min(since) < (select min(received_at) from events) as is_earlier"
            " from measured where fact = 'session_duration'",
            *asked,
        ).stdout
    )

    assert first["is_earlier"]
    assert row["mean_bh_s"] == pytest.approx(row["mean_s"])


def test_a_desk_that_is_closed_kept_nobody_waiting_and_without_hours_it_is_not_known(
    desk, ask, tmp_path
):
    hours = tmp_path / "hours.toml"
    hours.write_text('friday = ["09:00-18:00"]')
    asked = ("metric", "first_response_human", "--archive", desk.root, *ASKED)

    (closed,) = json.loads(ask(*asked, "--opening-hours", hours).stdout)
    (unknown,) = json.loads(ask(*asked).stdout)

    assert closed["p50_bh_s"] == closed["mean_bh_s"] == 0.0
    assert unknown["p50_bh_s"] is None
    assert unknown["p50_s"] == closed["p50_s"] > 0


def test_what_is_configured_reaches_the_queries(desk, ask, tmp_path):
    config = tmp_path / "analytics.toml"
    config.write_text(f"short_wait = 3\n[projects.{desk.project_id}]\nidle_limit = 900\n")
    told = {
        "--answer-target": "30.5",
        "--reply-target": "90",
        "--service-base": "no-abandon",
        "--pause-limit": "300",
        "--chat-limit": "4",
        "--coverage-threshold": "0.9",
    }
    options = [word for option in told.items() for word in option]
    asked = ("--archive", desk.root, "--config", config, *options, *ASKED)

    (params,) = json.loads(ask("sql", "select * from params", *asked).stdout)

    settings = Settings(None, 30.5, 90.0, 3.0, "no-abandon", 900.0, 300.0, 4)
    expected = replace(settings, coverage_threshold=0.9).params()
    assert {name: params[name] for name in expected} == expected


def test_wrong_hours_are_one_line(desk, ask, tmp_path):
    hours = tmp_path / "hours.toml"
    hours.write_text('monday = ["nine"]')
    config = tmp_path / "analytics.toml"
    config.write_text('opening_hours = "hours.toml"')

    asked = ("report", "--archive", desk.root)
    option = ask(*asked, "--opening-hours", hours)
    file = ask(*asked, "--config", config)

    wrong = f"{hours}: monday: 'nine' is no slot; write 09:00-13:00"
    assert (file.exit_code, file.stderr) == (1, f"Error: {config}: opening_hours: {wrong}\n")
    assert option.exit_code == 2
    assert option.stderr.splitlines()[-1] == (
        f"Error: Invalid value for '--opening-hours': {wrong}"
    )
