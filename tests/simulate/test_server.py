"""`archiver simulate serve` over a real socket, with the recorder's own client library."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
from collections import Counter

import pytest
import websocket

from archiver.simulate.hub import publication
from archiver.simulate.settings import PROJECT_ID
from archiver.simulate.wire import GarbageUnreadable, read_garbage

pytestmark = pytest.mark.slow
REQUESTS = f"/{PROJECT_ID}/requests"
BUSY = ("--speed", 600, "--start", "2026-11-03T08:30:00Z")


TOKEN = "simulated"


def connect(url, token=TOKEN):
    return contextlib.closing(websocket.create_connection(f"{url}?token={token}", timeout=60))


def listen(socket, until):
    """Return what comes until something is true of a frame, with that frame."""
    frames = []
    while not frames or not until(frames[-1]):
        frames.append(socket.recv_data()[1])
    return frames


def refusal(url, token=TOKEN):
    with pytest.raises(websocket.WebSocketBadStatusException) as raised:
        websocket.create_connection(f"{url}?token={token}", timeout=60)
    return raised.value


@pytest.mark.parametrize("token", ["simulated", "JWT%20simulated", "JWT+simulated"])
def test_a_good_token_is_accepted_and_a_snapshot_answers(simulated, subscription, token):
    with simulated("serve") as (_, url), connect(url, token) as socket:
        socket.send(subscription(REQUESTS))

        assert socket.recv() == publication(REQUESTS, "CREATE", [])


@pytest.mark.parametrize("token", ["", "wrong", "JWT%20wrong"])
def test_a_wrong_token_is_unauthorized(simulated, token):
    with simulated("serve") as (_, url):
        assert refusal(url, token).status_code == 401
        assert refusal(url, token).resp_body == b"Unauthorized"


def test_another_path_is_a_bad_request(simulated):
    with simulated("serve") as (_, url):
        assert refusal(f"{url}ws/").status_code == 400


def test_the_first_connects_may_be_too_many(simulated):
    with simulated("serve", "--status-429", 2) as (_, url):
        for _ in range(2):
            too_many = refusal(url)
            assert too_many.status_code == 429
            assert too_many.resp_headers["retry-after"] == "1"
        with connect(url):
            pass


def test_a_handshake_may_hang(simulated):
    with (
        simulated("serve", "--hang-handshake") as (_, url),
        pytest.raises(websocket.WebSocketTimeoutException),
    ):
        websocket.create_connection(f"{url}?token={TOKEN}", timeout=0.5)


def test_topics_may_be_refused_in_silence(simulated, subscription):
    with simulated("serve", "--refuse", "/requests$") as (_, url), connect(url) as socket:
        socket.send(subscription(REQUESTS))
        socket.send('{"action":"me"}')

        assert json.loads(socket.recv())["action"] == "me"


def test_a_live_desk_speaks_and_everything_sent_is_in_the_log(simulated, subscription, tmp_path):
    log, truth = tmp_path / "log.jsonl", tmp_path / "truth.jsonl"
    arguments = ("serve", *BUSY, "--log", log, "--truth", truth)
    with simulated(*arguments) as (process, url), connect(url) as socket:
        socket.send(subscription(REQUESTS))
        frames = listen(socket, lambda frame: b'"status":1000' in frame)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(websocket.WebSocketException, OSError):
            while frame := socket.recv_data()[1]:
                frames.append(frame)
        assert process.wait(timeout=60) == 0

    logged = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [entry["n"] for entry in logged] == list(range(1, len(logged) + 1))
    assert [entry["data"].encode() for entry in logged][: len(frames)] == frames
    kinds = Counter(json.loads(line)["kind"] for line in truth.read_text("utf-8").splitlines())
    assert kinds["agent"] == 8
    assert kinds["chat"] > 0
    assert kinds["document"] == kinds["chat"]


def test_two_projects_are_two_desks(simulated, subscription):
    other = "0123456789abcdef01234567"
    arguments = ("serve", *BUSY, "--project", PROJECT_ID, "--project", other)
    with simulated(*arguments) as (_, url), connect(url) as socket:
        for project in (PROJECT_ID, other):
            socket.send(subscription(f"/{project}/requests"))
        for project in (PROJECT_ID, other):
            topic = f'"/{project}/requests","method":"UPDATE"'.encode()
            listen(socket, lambda frame, topic=topic: topic in frame)


def test_sockets_may_be_cut_without_a_close_frame(simulated, subscription):
    with simulated("serve", "--drop-every", 0.3) as (_, url):
        for _ in range(2):
            with connect(url) as socket:
                socket.send(subscription(REQUESTS))
                with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
                    listen(socket, lambda _: False)


def test_garbage_comes_between_the_frames(simulated, subscription, tmp_path):
    garbage = tmp_path / "garbage.jsonl"
    raw = base64.b64encode(b"\xff\x00").decode()
    garbage.write_text(
        f'{{"at_frame": 2, "base64": "{raw}"}}\n{{"at_frame": 1, "text": "not {{JSON"}}\n'
    )
    arguments = ("serve", *BUSY, "--garbage", garbage)
    with simulated(*arguments) as (_, url), connect(url) as socket:
        socket.send(subscription(REQUESTS))
        frames = listen(socket, lambda frame: frame == b"\xff\x00")

    assert frames[1:] == [b"not {JSON", b"\xff\x00"]


def test_garbage_that_is_none_is_told_by_its_line(tmp_path):
    path = tmp_path / "garbage.jsonl"
    path.write_text('{"at_frame": 1, "text": "x"}\n{"at_frame": 2}\n')

    with pytest.raises(GarbageUnreadable) as raised:
        read_garbage(path)

    assert str(raised.value) == (
        f"{path}:2: not a frame to inject;"
        ' give {"at_frame": n, "text": …} or {"at_frame": n, "base64": …}'
    )


def test_another_client_may_publish(simulated, subscription):
    with simulated("serve", "--inject-untrusted") as (_, url), connect(url) as socket:
        socket.send(subscription(REQUESTS))
        frames = listen(socket, lambda frame: b'"spoof"' in frame)

    assert "method" not in json.loads(frames[-1])["payload"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--project", "x"), "Error: project 'x': give 24 hexadecimal digits"),
        (("--tz", "Mars"), "Error: time zone 'Mars': unknown; give one such as Europe/Rome"),
        (
            ("--truth", "/nowhere/truth"),
            "Error: /nowhere/truth: No such file or directory; name a file that can be written",
        ),
    ],
)
def test_wrong_use_is_told_in_one_line(simulated, arguments, message):
    with simulated("serve", *arguments) as (process, url):
        assert url == ""
        _, errors = process.communicate(timeout=60)

        assert errors.splitlines() == [message]
        assert process.returncode == 1


def test_a_port_in_use_is_told_in_one_line(simulated):
    with simulated("serve") as (_, url):
        port = url.rsplit(":", 1)[1].strip("/")
        with simulated("serve", "--port", port) as (process, _):
            _, errors = process.communicate(timeout=60)

    assert errors.startswith(f"Error: port {port}: ")
    assert errors.endswith("; take another, or 0 for any\n")
    assert process.returncode == 1
