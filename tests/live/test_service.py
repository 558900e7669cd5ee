"""`archiver record` as a service: starting, stopping, refusals, repair, and what it never shows."""

from __future__ import annotations

import base64
import json
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from archiver.address import FORMS

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")


def begin(record, url, *arguments, **options):
    recorder = record(url, *arguments, **options)
    recorder.wait_for("event=connected")
    return recorder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_everything_is_sealed(
    serve, record, archive, read_rows, number
):
    server = serve(*BUSY)
    recorder = begin(record, server.url)
    server.wait_until_sent(200_000)

    began = time.monotonic()
    assert recorder.stop(number) == 0

    assert time.monotonic() - began < 10
    assert not list(archive.rglob("*.segment"))
    rows = read_rows(archive)
    assert {json.loads(row["payload"])["why"] for row in rows if row["kind"] == "gap"} == {
        "the recorder was stopped"
    }
    assert len(rows) > 50


INTERRUPTED = """
import signal, sys
from pathlib import Path
from archiver.recorder import Recorder, Settings
recorder = Recorder(Settings(Path(sys.argv[1]), ()))
recorder.stop_on_signals()
with recorder._stop._cond:  # as in the middle of waiting for the event, or of setting it
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
assert recorder._is_to_stop()
"""


def test_a_signal_may_come_at_any_moment_and_again(tmp_path):
    subprocess.run([sys.executable, "-c", INTERRUPTED, tmp_path], check=True, timeout=30)


def test_it_says_goodbye_to_every_topic(serve, record, archive, read_rows):
    server = serve(*BUSY)
    recorder = begin(record, server.url)
    server.wait_until_sent(200_000)
    recorder.stop()
    (sent,) = server.sent().values()
    kept = {row["seq"] for row in read_rows(archive) if row["connection"] == 1}

    # What the server had sent when it heard the goodbye has been kept: heartbeats are no rows.
    assert len(kept) == len([text for text in sent if '"heartbeat"' not in text[:30]])


def test_files_are_private_unless_the_group_may_read(serve, record, archive):
    server = serve(*BUSY)
    begin(record, server.url).stop()
    assert {stat.S_IMODE(path.stat().st_mode) for path in archive.rglob("*") if path.is_file()} == {
        0o600
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in archive.rglob("*") if path.is_dir()} == {
        0o700
    }


def test_the_group_may_read_when_asked(serve, record, archive):
    server = serve(*BUSY)
    begin(record, server.url, "--group-readable").stop()

    modes = {stat.S_IMODE(path.stat().st_mode) for path in archive.rglob("*.parquet")}
    assert modes == {0o640}


def refuse(run, archive, *arguments, **environment):
    command = ("archiver", "record", "--archive", archive, "--project", PROJECT, *arguments)
    found = run(*command, **environment)
    assert found.stdout == ""
    return found.returncode, found.stderr.splitlines()[-1]


def test_a_refused_token_from_the_environment_ends_it_and_leaves_nothing(serve, run, archive):
    server = serve(*BUSY)

    ended = refuse(run, archive, "--url", server.url, TILEDESK_TOKEN="wrong")

    assert ended == (
        1,
        (
            f"Error: {server.url}: the server refuses the token (HTTP 401);"
            " get a new one from POST /auth/signin and put it where the old one was"
        ),
    )
    assert not archive.exists()


def test_a_refused_token_from_a_file_waits_for_another_one(serve, record, tmp_path):
    server = serve(*BUSY)
    path = tmp_path / "token"
    path.write_text("wrong")
    recorder = record(server.url, "--token-file", str(path))
    recorder.wait_for("event=waiting")

    path.write_text("simulated\n")

    recorder.wait_for("event=connected")
    assert recorder.stop() == 0


def test_no_token_is_one_line(run, archive):
    assert refuse(run, archive, "--url", "ws://127.0.0.1:9/") == (
        1,
        "Error: no token: set TILEDESK_TOKEN, or name a file with --token-file",
    )
    assert not archive.exists()


def test_a_name_that_does_not_resolve_is_one_line(run, archive):
    ended = refuse(run, archive, "--url", "wss://nowhere.invalid/v2/", TILEDESK_TOKEN="x")

    assert ended == (
        1,
        "Error: wss://nowhere.invalid/v2/: the name nowhere.invalid does not resolve; check --url",
    )
    assert not archive.exists()


def test_a_wrong_path_is_one_line_with_the_forms_that_exist(serve, run, archive):
    url = serve(*BUSY).url + "v9/"

    ended = refuse(run, archive, "--url", url, TILEDESK_TOKEN="simulated")

    assert ended == (1, f"Error: {url}: no Tiledesk socket there (HTTP 400); known forms: {FORMS}")
    assert not archive.exists()


def test_a_folder_that_cannot_be_written_is_one_line(serve, run):
    server = serve(*BUSY)

    ended = refuse(run, "/proc/archive", "--url", server.url, TILEDESK_TOKEN="simulated")

    assert ended == (
        1,
        (
            "Error: /proc/archive: cannot write there (No such file or directory);"
            " name a folder that you may write"
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "Error: Missing option '--project'."),
        (("--project", "a/b"), "is no project id: letters, digits, - and _"),
        (("--project", "p", "--recorder", "../x"), "letters, digits, - and _ only"),
        (("--project", "p", "--roll-seconds", "0"), "is not in the range x>=1"),
    ],
)
def test_wrong_usage_is_status_2(run, archive, arguments, line):
    found = run("archiver", "record", "--archive", archive, *arguments)

    assert found.returncode == 2
    assert line in found.stderr
    assert not archive.exists()


@pytest.mark.parametrize("command", ["seal", "status", "verify"])
def test_no_archive_is_one_line(run, tmp_path, command):
    found = run("archiver", command, "--archive", tmp_path / "none")

    assert (found.returncode, found.stderr) == (
        1,
        (
            f"Error: {tmp_path / 'none'}: no archive here;"
            " name the folder that 'archiver record' writes to\n"
        ),
    )


def test_a_second_recorder_of_the_same_name_is_refused_and_harms_nothing(
    serve, record, run, archive
):
    server = serve(*BUSY)
    recorder = begin(record, server.url)

    ended = refuse(run, archive, "--url", server.url, TILEDESK_TOKEN="simulated")
    sealed = run("archiver", "seal", "--archive", archive)

    line = (
        f"Error: {archive}/_journal/main: another process records as main;"
        " stop it, or choose another name with --recorder"
    )
    assert ended == (1, line)
    assert (sealed.returncode, sealed.stderr) == (1, line + "\n")
    assert recorder.stop() == 0


def test_status_shows_a_recorder_at_work(serve, record, run, archive):
    server = serve(*BUSY)
    recorder = begin(record, server.url)
    server.wait_until_sent(200_000)

    status = json.loads(run("archiver", "status", "--archive", archive, "--format", "json").stdout)

    (journal,) = status["unsealed"]
    assert (journal["recorder"], journal["is_running"]) == ("main", True)
    assert journal["records"] > 0
    assert 0 <= journal["lag_s"] < 60
    recorder.stop()


def test_what_closed_while_nobody_recorded_is_read_again(serve, record, archive, read_rows):
    server = serve(*BUSY, "--seed", "11")
    recorder = begin(record, server.url)
    server.wait_until_sent(1_500_000)
    assert recorder.stop() == 0
    followed = json.loads((archive / "_journal/main/state.json").read_bytes())["memory"]
    believed_open = {rid for rid, (closing, _) in followed[PROJECT]["chats"].items() if not closing}
    assert believed_open
    watcher = begin(record, server.url, "--recorder", "watcher")
    server.wait_until_sent(server.log.stat().st_size + 1_500_000)
    assert watcher.stop() == 0

    recorder = begin(record, server.url)
    recorder_started = server.log.stat().st_size
    server.wait_until_sent(recorder_started + 1_500_000)
    assert recorder.stop() == 0

    rows = [row for row in read_rows(archive) if row["recorder"] == "main"]
    closed_meanwhile = believed_open & {
        row["request_id"]
        for row in read_rows(archive)
        if row["recorder"] == "watcher" and row["status"] == 1000
    }
    assert closed_meanwhile
    repaired = {
        row["request_id"]
        for row in rows
        if row["source"] == "repair" and row["kind"] == "request" and row["closed_at"]
    }
    assert closed_meanwhile <= repaired
    talked = {row["request_id"] for row in rows if row["source"] == "repair" and row["sender"]}
    assert closed_meanwhile <= talked


def test_cuts_of_the_connection_are_gaps_and_recording_goes_on(
    serve, record, archive, read_rows, sent_entities, kept_entities, gaps
):
    server = serve(*BUSY, "--drop-every", "3")
    recorder = begin(record, server.url)
    recorder.wait_for("event=connected", times=3)
    assert recorder.stop() == 0
    server.stop()

    rows = read_rows(archive)
    found = gaps(rows)
    assert len([gap for gap in found if gap["why"] == "connection lost"]) >= 2
    sent, kept = sent_entities(server.sent()), kept_entities(rows)
    for connection, frames in kept.items():
        assert frames == sent[connection][: len(frames)]


def test_refusals_to_connect_are_waited_out(serve, record):
    server = serve(*BUSY, "--status-429", "1")
    recorder = record(server.url)

    recorder.wait_for("too many connections (HTTP 429)")
    recorder.wait_for("event=connected")

    assert recorder.stop() == 0


def test_a_server_that_is_not_there_yet_is_waited_for_and_can_be_given_up(record, archive):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    recorder = record(f"ws://127.0.0.1:{port}/")

    recorder.wait_for("connection refused", times=2)

    assert recorder.stop() == 0
    assert (archive / "archive.json").exists()


def test_a_hanging_handshake_does_not_hold_up_the_end(serve, record):
    server = serve(*BUSY, "--hang-handshake")
    recorder = record(server.url)
    recorder.wait_for("event=connecting")

    began = time.monotonic()
    assert recorder.stop() == 0
    assert time.monotonic() - began < 10


def test_a_token_about_to_expire_is_told_once_without_showing_it(serve, record, tmp_path):
    facts = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) + 7200}).encode()).decode()
    secret = f"eyJhbGciOiJIUzI1NiJ9.{facts.rstrip('=')}.c2lnbmF0dXJl"
    server = serve(*BUSY, "--token", secret)
    recorder = record(server.url, token=secret)

    recorder.wait_for(f"event=token_expires in_h=2.0 projects={PROJECT}")

    assert recorder.stop() == 0
    assert sum("token_expires" in line for line in recorder.lines) == 1
    assert not any(facts[:20] in line for line in recorder.lines)


def test_the_log_can_be_json(serve, record):
    server = serve(*BUSY)
    recorder = record(server.url, "--log-format", "json")
    recorder.wait_for('"event": "connected"')
    assert recorder.stop() == 0

    lines = [json.loads(line) for line in recorder.lines]
    events = [line["event"] for line in lines]
    assert events == ["connecting", "recording", "connected", "stopped"]
    assert lines[2]["connection"] == 1


def test_a_token_file_that_is_empty_for_a_moment_does_not_end_the_recording(
    serve, record, tmp_path
):
    server = serve(*BUSY, "--drop-every", "3")
    path = tmp_path / "token"
    path.write_text("simulated")
    recorder = record(server.url, "--token-file", str(path))
    recorder.wait_for("event=connected")

    path.write_text("")
    recorder.wait_for("holds no token")
    path.write_text("simulated")

    recorder.wait_for("event=connected", times=2)
    assert recorder.stop() == 0
