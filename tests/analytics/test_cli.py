"""The command: what it prints, where, and with which exit status, right use and wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest

from analytics import queries
from analytics.report import FORMAT

DAY = "2026-03-03"


@pytest.fixture
def two_projects(desk, tmp_path):
    root = tmp_path / "two"
    shutil.copytree(desk.root, root)
    shutil.copytree(root / f"project_id={desk.project_id}", root / "project_id=other")
    (root / "project_id=_unknown").mkdir()
    return root


def test_a_report_is_the_object_that_others_read(desk, ask):
    done = ask("report", "--archive", desk.root, "--date", DAY, "--format", "json")

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert done.stderr == ""
    assert list(told) == [
        "format",
        "project_id",
        "since",
        "until",
        "tz",
        "coverage",
        "metrics",
        "settings",
        "comparison",
        "staffing",
    ]
    assert (told["format"], told["since"], told["until"]) == (FORMAT, DAY, "2026-03-04")
    assert (told["project_id"], told["tz"]) == (desk.project_id, "UTC")
    assert told["coverage"] == {"ratio": 1.0, "gaps": []}
    assert list(told["metrics"]) == list(queries.REPORT)
    assert told["metrics"]["chats_offered"][0]["date"] == DAY
    assert list(told["metrics"]["tiledesk_compatible"][0]) == [
        "requests_count",
        "waiting_time_avg_ms",
        "duration_avg_ms",
        "satisfaction_avg",
        "messages_count",
    ]


def test_a_report_as_csv_is_one_value_a_line(desk, ask):
    done = ask("report", "--archive", desk.root, "--date", DAY, "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == ["metric", "row", "column", "value"]
    assert {row["metric"] for row in rows} <= {*queries.REPORT, "comparison", "coverage", "gaps"}
    assert rows[0]["value"] == "1.0"


def test_a_report_as_a_table_is_one_screen(desk, ask):
    done = ask("report", "--archive", desk.root, "--date", DAY, "--tz", "Europe/Rome")

    lines = done.stdout.splitlines()
    assert lines[0] == f"Project {desk.project_id} · Tuesday {DAY} · Europe/Rome"
    assert lines[1] == "Recorded 100 % of the time"
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 110
    assert "\x1b" not in done.stdout


def test_several_days_are_a_line_each(desk, ask):
    done = ask("report", "--archive", desk.root, "--since", "2026-03-02", "--until", "2026-03-05")

    assert "Mon 2026-03-02" in done.stdout
    assert "Wed 2026-03-04" in done.stdout


def test_a_metric_in_each_format(desk, ask):
    asked = ("metric", "chats_closed", "--archive", desk.root, "--date", DAY)

    table, told, rows = (ask(*asked, "--format", how).stdout for how in ("table", "json", "csv"))

    (row,) = json.loads(told)
    assert row["sessions_count"] > 0
    assert next(csv.DictReader(io.StringIO(rows)))["date"] == DAY
    assert table.splitlines()[0].split() == list(row)


def test_an_answer_may_go_to_a_file(desk, ask, tmp_path):
    file = tmp_path / "report.json"

    done = ask(
        "report", "--archive", desk.root, "--date", DAY, "--format", "json", "--output", file
    )

    assert done.stdout == ""
    assert json.loads(file.read_text())["format"] == FORMAT
    assert list(tmp_path.iterdir()) == [file]


def test_metrics_are_listed_and_explained(ask):
    listed = ask("metrics").stdout.splitlines()
    explained = ask("explain", "queue_time").stdout

    assert [line.split()[0] for line in listed] == list(queries.METRICS)
    assert explained.startswith("-- queue_time: ")
    assert "--   waits: " in explained


def test_a_sound_archive_passes_the_checks(desk, ask):
    done = ask("check", "--archive", desk.root, "--date", DAY)

    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr.count(": fine: ") == len(queries.CHECKS)


def test_a_row_that_is_there_twice_fails_the_checks(desk, ask, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(desk.root, root)
    (part, *_) = root.glob(f"project_id=*/date={DAY}/*.parquet")
    shutil.copy(part, part.with_name("copy.parquet"))

    done = ask("check", "--archive", root, "--date", DAY)

    assert done.exit_code == 3
    assert "in the archive 2 times" in done.stdout


def test_sql_reads_views_and_events(desk, ask):
    asked = ("--archive", desk.root, "--date", DAY, "--format", "json")

    done = ask("sql", "select count(*) as n from sessions cross join events", *asked)

    assert json.loads(done.stdout)[0]["n"] > 0


def test_settings_are_taken_from_the_flag_then_the_environment_then_the_file(desk, ask, tmp_path):
    config = tmp_path / "analytics.toml"
    config.write_text(f'archive = "{desk.root}"\ntz = "Asia/Tokyo"\nformat = "json"\n')
    asked = ("report", "--date", DAY, "--config", config)

    def tz(*more, **environment):
        return json.loads(ask(*asked, *more, **environment).stdout)["tz"]

    assert tz() == "Asia/Tokyo"
    assert tz(ANALYTICS_TZ="Europe/Rome") == "Europe/Rome"
    assert tz("--tz", "America/New_York", ANALYTICS_TZ="Europe/Rome") == "America/New_York"


TAKEN = "select current_setting('memory_limit'), current_setting('threads')"


@pytest.mark.parametrize("by", ["options", "environment", "file"])
def test_what_an_answer_may_take_is_limited(desk, ask, tmp_path, by):
    config = tmp_path / "analytics.toml"
    config.write_text('memory_limit = "1GiB"\nthreads = 1\n' if by == "file" else "")
    asked = ["sql", TAKEN, "--archive", desk.root, "--date", DAY, "--format", "csv"]
    asked += ["--memory-limit", "1gib", "--threads", 1] if by == "options" else []
    told = {"ANALYTICS_MEMORY_LIMIT": "1024 MiB", "ANALYTICS_THREADS": "1"}

    done = ask(*asked, "--config", config, **(told if by == "environment" else {}))

    assert done.stdout.splitlines()[1:] == ["1.0 GiB,1"]


@pytest.mark.parametrize("command", [("report",), ("export", "sessions", "--output", "{out}")])
def test_an_answer_that_finds_no_memory_is_refused_in_one_line(desk, tmp_path, ask, command):
    limits = ("--memory-limit", "2MB", "--threads", 1)
    words = [word.format(out=tmp_path / "out.csv") for word in command]

    done = ask(*words, "--archive", desk.root, "--date", DAY, *limits)

    assert done.exit_code == 1
    (error,) = done.stderr.splitlines()
    assert error.startswith("Error: not enough memory (Out of Memory Error: ")
    assert error.endswith(
        f"); allow more by --memory-limit, make room in {gettempdir()},"
        " or ask for fewer days or metrics"
    )
    assert not (tmp_path / "out.csv").exists()


def test_each_project_may_have_its_time_zone(desk, ask, tmp_path):
    config = tmp_path / "analytics.toml"
    config.write_text(f'[projects.{desk.project_id}]\ntz = "Europe/Rome"\n')

    done = ask(
        "report", "--date", DAY, "--format", "json", "--config", config, ARCHIVE=str(desk.root)
    )

    assert json.loads(done.stdout)["tz"] == "Europe/Rome"


def test_a_window_that_is_not_over_says_so_on_stderr(desk, ask):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    since = ("--since", "2026-03-02", "--until", tomorrow)

    done = ask("metric", "chats_offered", "--archive", desk.root, *since, "--format", "csv")

    assert done.exit_code == 0
    assert done.stderr.startswith("Note: the window is not over: figures up to ")
    assert done.stdout.startswith("date,sessions_count,")


def test_no_archive(ask, tmp_path):
    done = ask("report", "--archive", tmp_path / "nowhere")

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: {tmp_path}/nowhere: no archive here;"
        " name the folder that 'archiver record' writes to\n"
    )


def test_an_archive_of_a_newer_format(ask, tmp_path):
    (tmp_path / "archive.json").write_text('{"format": 2}')

    done = ask("report", "--archive", tmp_path)

    assert (done.exit_code, done.stderr) == (
        1,
        (
            f"Error: {tmp_path}/archive.json: format 2, but this version reads format 1; install a"
            f" version that reads it\n"
        ),
    )


def test_a_marker_that_is_none(ask, tmp_path):
    (tmp_path / "archive.json").write_text("[]")

    done = ask("report", "--archive", tmp_path)

    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: {tmp_path}/archive.json: not an archive's marker; name another folder\n",
    )


def test_an_empty_archive(ask, tmp_path):
    (tmp_path / "archive.json").write_text('{"format": 1}')

    done = ask("report", "--archive", tmp_path)

    assert (done.exit_code, done.stderr) == (1, f"Error: {tmp_path}: nothing is recorded yet\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--project", "nobody"], "{root}: no project nobody here; there is {project}"),
        (
            ["--since", "2026-03-03", "--until", "2026-03-03"],
            "2026-03-03 to 2026-03-03: no day in it; --until is the day after the last",
        ),
        (
            ["--since", "2026-03-04", "--until", "2026-03-03"],
            "2026-03-04 to 2026-03-03: no day in it; --until is the day after the last",
        ),
        (
            ["--date", "2020-01-01"],
            (
                "2020-01-01 to 2020-01-02: nothing recorded of {project} in these days;"
                " there is 2026-03-02 to {last}"
            ),
        ),
        (
            ["--config", "{root}/none.toml"],
            "{root}/none.toml: cannot read it (No such file or directory)",
        ),
    ],
)
def test_wrong_use_is_one_line(desk, ask, options, message):
    days = sorted(path.name for path in desk.root.glob("project_id=*/date=*"))
    words = {
        "root": desk.root,
        "project": desk.project_id,
        "last": days[-1].removeprefix("date="),
    }

    done = ask("report", "--archive", desk.root, *[text.format(**words) for text in options])

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == f"Error: {message.format(**words)}\n"


def test_a_future_day(desk, ask):
    done = ask("report", "--archive", desk.root, "--date", "2999-01-01")

    today = datetime.now(UTC).date()
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: 2999-01-01: in the future; it is {today} in UTC\n",
    )


def test_several_projects_and_none_chosen(desk, ask, two_projects):
    done = ask("report", "--archive", two_projects, "--date", DAY)

    assert (done.exit_code, done.stderr) == (
        1,
        (
            f"Error: {two_projects}: several projects; choose one with --project:"
            f" {desk.project_id}, other\n"
        ),
    )


def test_a_chosen_project_is_read_alone(desk, ask, two_projects):
    asked = ("--archive", two_projects, "--date", DAY, "--format", "json")

    done = ask("report", "--project", "other", *asked)

    assert json.loads(done.stdout)["project_id"] == "other"


@pytest.mark.parametrize("command", ["metric", "explain"])
def test_an_unknown_metric(desk, ask, command):
    options = ["--archive", desk.root] if command == "metric" else []

    done = ask(command, "happiness", *options)

    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: happiness: no such query; there are {', '.join(queries.METRICS)}\n",
    )


def test_sql_that_writes(desk, ask):
    done = ask("sql", "create table x (i int)", "--archive", desk.root, "--date", DAY)

    assert (done.exit_code, done.stderr) == (
        1,
        "Error: not one statement that only reads; write one SELECT\n",
    )


def test_an_output_that_cannot_be_written(desk, ask, tmp_path):
    file = tmp_path / "none" / "report.json"

    done = ask("report", "--archive", desk.root, "--date", DAY, "--output", file)

    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: {file}: cannot write it (No such file or directory)\n",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Error: Missing option '--archive'."),
        (
            ["--archive", ".", "--date", "yesterday"],
            "Error: Invalid value for '--date': 'yesterday' is no day; write it as 2026-11-23",
        ),
        (
            ["--archive", ".", "--tz", "Mars/Base"],
            (
                "Error: Invalid value for '--tz': 'Mars/Base' is no time zone;"
                " write an IANA name: Europe/Rome"
            ),
        ),
        (
            ["--archive", ".", "--look-back", "-1"],
            "Error: Invalid value for '--look-back': '-1' is no number of days; write 2, or all",
        ),
        (
            ["--archive", ".", "--memory-limit", "4"],
            "Error: Invalid value for '--memory-limit': '4' is no size; write 4GB",
        ),
        (
            ["--archive", ".", "--threads", "0"],
            "Error: Invalid value for '--threads': '0' is no number of cores; write 2",
        ),
        (
            ["--archive", ".", "--date", DAY, "--since", DAY],
            "Error: --date is one day; leave out --since and --until",
        ),
    ],
)
def test_options_that_are_wrong_are_usage(ask, options, message):
    done = ask("report", *options)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == message


def test_a_command_that_is_told_to_stop_takes_its_temporary_folder_along(desk, tmp_path):
    endless = "select count(*) from range(1000000) as a, range(1000000) as b"
    command = [Path(sys.executable).parent / "analytics", "sql", endless]
    command += ["--archive", desk.root, "--date", DAY]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)})
    while not list(tmp_path.glob("analytics-*")):
        assert process.poll() is None

    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
