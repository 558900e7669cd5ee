"""The command's own doings: settings and where they come from, tables, lines."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from archiver.cli import cli
from archiver.recording import Recording

PROJECT = "65f0a1b2c3d4e5f601234567"
DAY = 24 * 3600 * 1_000_000
SIGN = 20 * 1_000_000
NOON = 1_795_435_200_000_000


@pytest.fixture
def archive(tmp_path):
    """Return an archive of three days of one chat each."""
    now = [NOON]
    recording = Recording(tmp_path / "archive", "main", [PROJECT], lambda: now[0])
    for _ in range(3):
        session = recording.session()
        session.opened(now[0])
        chats = {"topic": f"/{PROJECT}/requests", "method": "CREATE", "message": []}
        frame = json.dumps({"action": "publish", "payload": chats}).encode()
        session.received(frame, False, now[0] + 1)
        for _ in range(6 * 3600 * 1_000_000 // SIGN):
            now[0] += SIGN
            recording.note({"control": "alive"}, now[0], session.number)
        session.received(frame, False, now[0])
        session.lost(now[0], "closed by the server 1001")
        now[0] += DAY - 6 * 3600 * 1_000_000
    recording.close(now[0])
    return tmp_path / "archive"


def run(*arguments, **environment):
    return CliRunner().invoke(cli, [str(part) for part in arguments], env=environment)


def test_status_tells_coverage_and_gaps_of_each_day(archive):
    table = run("status", "--archive", archive).stdout.splitlines()

    assert table[0].split() == (
        ["project", "date", "rows", "parts", "MB", "covered", "gaps", "last", "event"]
    )
    assert [line.split()[1:4] for line in table[1:4]] == [
        ["2026-11-23", "6", "1"],
        ["2026-11-24", "7", "1"],
        ["2026-11-25", "7", "1"],
    ]
    assert [line.split()[5] for line in table[1:4]] == ["25.0%"] * 3
    assert table[4].startswith("recorder main: not running, 0 unsealed segments")


def test_status_shows_the_newest_days_and_sums_up(archive):
    table = run("status", "--archive", archive, "--days", "1").stdout.splitlines()

    assert table[1].split()[1] == "2026-11-25"
    assert table[2] == f"{PROJECT}: 3 days in all, 20 rows, 0.0 MB"


def test_status_as_json_tells_all(archive):
    told = json.loads(run("status", "--archive", archive, "--format", "json").stdout)

    assert [day["covered_s"] for day in told["days"]] == [pytest.approx(21_600, abs=0.01)] * 3
    assert [len(day["gaps"]) for day in told["days"]] == [1, 2, 2]


@pytest.mark.parametrize("variable", ["ARCHIVE", "ARCHIVER_ARCHIVE"])
def test_the_archive_may_come_from_the_environment(archive, variable):
    assert run("verify", **{variable: str(archive)}).exit_code == 0


def test_a_flag_goes_before_the_environment_and_that_before_the_file(archive, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(f'[verify]\narchive = "{archive}"\n')

    assert run("--config", config, "verify").exit_code == 0
    assert run("--config", config, "verify", ARCHIVE="/nowhere").exit_code == 1
    assert run("--config", config, "verify", "--archive", archive, ARCHIVE="/no").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[verify", "not TOML: Expected ']' at the end of a table declaration"),
        (None, "cannot read it (No such file or directory)"),
        ("verify = 1", "[verify] is no table\n"),
        ("[verify]\narchives = 1", "[verify] knows no archives; it knows archive, spool\n"),
        (
            "[record]\nmax-connections = 2",
            (
                "[record] knows no max-connections; it knows archive, group_readable, health,"
                " insecure, log_format, max_connections, no_compact, projects, recorder,"
                " roll_bytes, roll_seconds, spool, spool_limit, sync_ms, token_file, url\n"
            ),
        ),
        ("[recrod]", "[recrod] is no command; there is check, compact, projects, record, seal,"),
        ("projects = []", "[projects] is no table\n"),
        ("[projects]\np = 1", "[projects.p] is no table\n"),
        (
            "[projects.p]\ntokenfile = '/x'",
            "[projects.p] knows no tokenfile; it knows token_file\n",
        ),
    ],
)
def test_a_config_that_cannot_be_read_is_one_line(tmp_path, text, message):
    config = tmp_path / "settings.toml"
    if text is not None:
        config.write_text(text)

    told = run("--config", config, "verify", "--archive", tmp_path)

    assert told.exit_code == 1
    assert told.stderr.startswith(f"Error: {config}: {message}")
    assert told.stderr.count("\n") == 1


def test_a_trial_takes_the_settings_of_the_recording(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[record]\narchive = "{tmp_path}/chats"\nurl = "ws://127.0.0.1:1/"\nroll_seconds = 9\n'
        "[projects.one]\n[projects.two]\n"
    )

    told = run("--config", config, "check", TILEDESK_TOKEN="x")

    assert told.stdout.startswith(f"ok   {tmp_path}/chats: can be made\n")
    assert told.stderr == (
        "Error: ws://127.0.0.1:1/: connection refused; try again, or check --url\n"
    )
    config.write_text(f'{config.read_text()}[check]\nurl = "ws://127.0.0.1:2/"\n')
    assert "127.0.0.1:2/" in run("--config", config, "check", TILEDESK_TOKEN="x").stderr


def test_verify_says_what_is_wrong_with_status_3(archive):
    (part,) = archive.glob("project_id=*/date=2026-11-24/*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 255
    part.write_bytes(data)

    told = run("verify", "--archive", archive)

    assert told.exit_code == 3
    assert told.stdout.startswith(f"{part}: ")
    assert told.stderr == ""


def test_a_whole_archive_is_said_to_be_whole(archive):
    told = run("verify", "--archive", archive)

    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "everything is whole\n")


def compacted(*arguments):
    told = run("compact", *arguments)
    return told.exit_code, told.stdout.splitlines(), told.stderr


@pytest.fixture
def days(tmp_path):
    """Return an archive of two days that were over long ago, in three parts each."""
    now = [NOON - 365 * DAY]
    recording = Recording(tmp_path / "days", "main", [PROJECT], lambda: now[0])
    for _ in range(2):
        for _ in range(3):
            frame = {"topic": f"/{PROJECT}/requests", "method": "UPDATE", "message": {"_id": "a"}}
            recording.keep(
                [json.dumps({"action": "publish", "payload": frame}).encode()], now[0], 0
            )
            recording.roll(now[0])
            recording.seal()
        now[0] += DAY
    recording.close(now[0])
    return tmp_path / "days"


def test_compact_tells_what_it_did_and_removes_what_was_replaced_later(days):
    count = len(list(days.rglob("*.parquet")))

    status_, told, talk = compacted("--archive", days, "--dry-run")
    assert (status_, talk, len(list(days.rglob("*.parquet")))) == (0, "", count)
    assert [line.split()[:4] for line in told] == [
        [PROJECT, "2025-11-23", "3", "parts"],
        [PROJECT, "2025-11-24", "3", "parts"],
    ]

    status_, told, talk = compacted("--archive", days, "--grace", "0s")
    assert (status_, talk) == (0, "compacted 2 days, removed 0 files of no use\n")
    assert [line.split()[:6] for line in told] == [
        [PROJECT, "2025-11-23", "3", "->", "1", "parts"],
        [PROJECT, "2025-11-24", "3", "->", "1", "parts"],
    ]
    assert [line.split()[-2:] for line in told] == [["3", "rows"]] * 2

    talk = f"compacted 0 days, removed {count} files of no use\n"
    assert compacted("--archive", days) == (0, [], talk)
    assert len(list(days.rglob("*.parquet"))) == 2


def test_compact_takes_only_the_projects_named(days):
    talk = "compacted 0 days, removed 0 files of no use\n"
    assert compacted("--archive", days, "--project", "other") == (0, [], talk)


def test_compact_names_what_is_damaged_with_status_3(days):
    part = min(days.rglob("*.parquet"))
    part.write_bytes(b"no part")

    status_, told, talk = compacted("--archive", days)

    assert (status_, len(told)) == (3, 2)
    assert talk.startswith(f"{part}: damaged (")
    assert talk.endswith("\ncompacted 2 days, removed 0 files of no use\n")


@pytest.mark.parametrize("text", ["1", "h", "1.5h", "-1h", "1w", ""])
def test_a_length_of_time_that_is_none_is_refused(days, text):
    told = run("compact", "--archive", days, "--grace", text)

    assert told.exit_code == 2
    assert f"{text!r}: write a number and s, m, h or d, such as 1h" in told.stderr
