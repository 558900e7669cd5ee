"""The recorder's health over HTTP, and what it tells systemd."""

from __future__ import annotations

import re
import resource
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
PATIENCE = 60
DESK = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")


def fetch(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def until_counted(port, counter):
    """Return the metrics when a counter has counted something: sealing takes as long as it does."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        status, text = fetch(port, "/metrics")
        assert status == 200
        if float(re.search(rf"^{counter} (\S+)$", text, re.MULTILINE)[1]) > 0:
            return text
    raise AssertionError(f"{counter} never counted")


@pytest.fixture
def probed(serve, record):
    """Start a recorder that answers probes; return the server, the recorder and the port."""
    server = serve(*DESK)
    recorder = record(server.url, "--health", "127.0.0.1:0", "--roll-seconds", "1")
    recorder.wait_for("event=answering")
    line = next(line for line in recorder.lines if "event=answering" in line)
    return server, recorder, int(re.search(r"port=(\d+)", line)[1])


def test_a_recorder_at_work_is_ready_and_counts(probed):
    server, recorder, port = probed
    recorder.wait_for("event=connected")
    server.wait_until_sent(600_000)

    assert fetch(port, "/healthz") == (200, "alive\n")
    assert fetch(port, "/readyz") == (200, "ready\n")
    text = until_counted(port, "archiver_sealed_segments_total")
    numbers = dict(re.findall(r"^(archiver_\w+) (\S+)$", text, re.MULTILINE))
    assert float(numbers["archiver_frames_total"]) > 20
    assert float(numbers["archiver_journaled_bytes_total"]) > 50_000
    assert float(numbers["archiver_connections_open"]) == 1
    assert f'archiver_project_ready{{project_id="{PROJECT}"}} 1.0' in text
    assert recorder.stop() == 0


def test_a_recorder_whose_server_is_gone_is_alive_but_not_ready(probed):
    server, recorder, port = probed
    recorder.wait_for("event=connected")

    server.wait_until_sent(200_000)
    server.stop(signal.SIGKILL)
    recorder.wait_for("event=disconnected")

    assert fetch(port, "/healthz") == (200, "alive\n")
    status, why = fetch(port, "/readyz")
    assert status == 503
    assert why.splitlines()[0] == "connections: 0 of 1 open"
    assert "archiver_gaps_total 1.0" in fetch(port, "/metrics")[1]
    assert recorder.stop() == 0


def test_a_recorder_that_cannot_write_is_alive_but_not_ready(probed):
    server, recorder, port = probed
    recorder.wait_for("event=connected")
    server.wait_until_sent(100_000)
    hard = resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE)[1]

    resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE, (0, hard))
    recorder.wait_for("event=paused")

    assert fetch(port, "/healthz") == (200, "alive\n")
    status, why = fetch(port, "/readyz")
    assert status == 503
    assert why.splitlines()[0] == "journal: cannot be written"
    assert "archiver_journal_writable 0.0" in fetch(port, "/metrics")[1]
    resource.prlimit(recorder.popen.pid, resource.RLIMIT_FSIZE, (hard, hard))
    recorder.wait_for("event=connected", 2)
    server.wait_until_sent(server.log.stat().st_size + 100_000)
    assert fetch(port, "/readyz") == (200, "ready\n")
    assert recorder.stop() == 0


def test_systemd_is_told_that_it_is_ready_alive_and_ending(serve, started, tmp_path, archive):
    server = serve(*DESK)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        command = [*started.archiver, "record", "--archive", archive]
        recorder = started.run(
            started.kind,
            [*command, "--project", PROJECT, "--url", server.url],
            TILEDESK_TOKEN="simulated",
            NOTIFY_SOCKET=str(tmp_path / "notify"),
        )

        told = [listener.recv(1000)]
        assert told == [b"READY=1"]
        while {b"STATUS=ready", b"WATCHDOG=1"} - set(told):
            told.append(listener.recv(1000))
        assert recorder.stop() == 0
        while b"STOPPING=1" not in told:
            told.append(listener.recv(1000))


def test_a_recorder_that_waits_for_a_token_answers_and_is_not_ready(serve, record, tmp_path):
    server = serve(*DESK)
    path = tmp_path / "token"
    path.write_text("wrong")
    recorder = record(server.url, "--health", "127.0.0.1:0", "--token-file", str(path))
    recorder.wait_for("event=waiting")
    line = next(line for line in recorder.lines if "event=answering" in line)
    port = int(re.search(r"port=(\d+)", line)[1])

    assert fetch(port, "/healthz") == (200, "alive\n")
    assert fetch(port, "/readyz")[0] == 503
    assert recorder.stop() == 0


def test_an_address_in_use_is_one_line_and_leaves_nothing_running(serve, record):
    server = serve(*DESK)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        recorder = record(server.url, "--health", f"127.0.0.1:{port}")
        assert recorder.popen.wait(30) == 1

    recorder.wait_for(
        f"Error: 127.0.0.1:{port}: cannot answer probes there (Address already in use);"
        " choose another with --health"
    )
