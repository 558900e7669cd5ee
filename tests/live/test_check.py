"""`archiver check` against a real socket: what it says, what it leaves behind: nothing."""

from __future__ import annotations

import base64
import json
import time

import pytest

from archiver.simulate.people import hire
from archiver.simulate.settings import DeskSettings

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
TOKEN = "simulated"
BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
FEED = f"/{PROJECT}/requests"


def jwt(**said):
    coded = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{coded}.c2lnbmF0dXJl"


@pytest.fixture
def staff():
    """Return the ids of those who work at the desk: an admin, then agents."""
    return [one.id for one in hire(DeskSettings(project_id=PROJECT)).agents]


@pytest.fixture
def check(run):
    def call(url, *arguments, token=TOKEN, project=PROJECT):
        command = ("archiver", "check", "--project", project, "--url", url, *arguments)
        return run(*command, TILEDESK_TOKEN=token)

    return call


def test_it_says_what_the_token_sees_and_writes_nothing(serve, check, staff, tmp_path):
    colleague = staff[1]
    token = jwt(_id=colleague, exp=int(time.time()) + 3600)
    server = serve(*BUSY, "--token", token)
    archive = tmp_path / "archive"

    done = check(server.url, "--archive", archive, token=f"JWT {token}")

    assert done.returncode == 3  # an agent's snapshots hold his own chats only
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert f"ok   {archive}: can be made" in lines
    assert f"ok   token: of user {colleague}" in lines
    (expiry,) = [line for line in lines if "expires" in line]
    assert expiry.startswith("warn token: expires in 59 minutes, at ")
    (role,) = [line for line in lines if "token's user is agent" in line]
    assert role.startswith(f"warn {PROJECT}: ")
    (feed,) = [line for line in lines if f" {FEED}: " in line]
    assert feed.startswith("ok   ")
    assert " open chats, answered in 0." in feed
    assert "ok   clock: within 1 s of the server's" in lines
    assert all(line[:5] in ("ok   ", "warn ", "fail ") for line in lines)
    assert token not in done.stdout
    assert "@" not in done.stdout
    assert not archive.exists()


def test_an_admin_sees_everything(serve, check, staff):
    token = jwt(_id=staff[0])
    server = serve(*BUSY, "--token", token)

    done = check(server.url, token=token)

    assert done.returncode == 0, done.stdout
    assert f"ok   {PROJECT}: the token's user is admin" in done.stdout.splitlines()
    assert "ok   token: names no expiry" in done.stdout


def test_it_reads_a_chat_and_leaves_every_topic(serve, record, check, run):
    server = serve(*BUSY)
    recorder = record(server.url)
    recorder.wait_for("event=connected")
    server.wait_until_sent(50_000)

    done = check(server.url)

    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if "/messages: " in line]
    assert recorder.stop() == 0
    checked = [text for frames in list(server.sent().values())[1:] for text in frames]
    topics = [json.loads(text)["payload"].get("topic") for text in checked]
    assert topics.count(FEED) >= 1
    assert len({topic for topic in topics if topic and topic.endswith("/messages")}) == 1


def test_a_refused_feed_is_a_loss(serve, check):
    server = serve(*BUSY, "--refuse", "/requests$")

    done = check(server.url, "--wait", "0.5")

    assert done.returncode == 3
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert line.startswith(f"fail {FEED}: no answer in 0.5 s: refused")


def test_a_project_that_is_not_there_is_a_loss_and_the_other_is_told(serve, check):
    server = serve(*BUSY)
    other = "5f6c1d2e3a4b5c6d7e8f9a0c"

    done = check(server.url, "--project", other, "--wait", "0.5")

    assert done.returncode == 3
    assert f"fail /{other}/requests: no answer" in done.stdout
    assert f"ok   {FEED}: " in done.stdout


def test_a_cut_is_told(serve, check):
    server = serve(*BUSY, "--refuse", "/requests$", "--drop-every", "1")

    done = check(server.url)

    assert done.returncode == 3
    assert f"fail {FEED}: not answered before the connection ended" in done.stdout
    assert "fail the connection ended: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        ((), "wrong", "the server refuses the token (HTTP 401)"),
        (("--status-429", "9"), TOKEN, "too many connections (HTTP 429)"),
    ],
)
def test_a_refusal_to_connect_is_one_line(serve, check, arguments, token, said):
    server = serve(*BUSY, *arguments)

    done = check(server.url, token=token)

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Error: {server.url}: ")
    assert said in line


def test_a_path_that_is_no_socket_s_and_a_port_that_is_closed(serve, check):
    server = serve(*BUSY)

    wrong = check(server.url + "v9/")
    server.stop()
    closed = check(server.url)

    assert (wrong.returncode, closed.returncode) == (1, 1)
    assert "no Tiledesk socket there (HTTP 400)" in wrong.stderr
    assert "connection refused" in closed.stderr
