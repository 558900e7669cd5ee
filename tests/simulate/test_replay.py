"""`archiver simulate replay`: a client that subscribes as recorded receives what was recorded."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
import websocket

from archiver.simulate import capture

pytestmark = pytest.mark.slow
NAMES = (
    "agent_view",
    "forty_chats",
    "four_chats",
    "owner_view",
    "server_restart",
    "silent_client",
    "subscribed_twice",
)
SPEED = 400
FORTY = "/6b0482710586eb286f450689"


def connect(url):
    """Connect; a server that is away answers late, or is not there for a moment."""
    return websocket.create_connection(f"{url}?token=simulated", timeout=60)


def is_heartbeat(text):
    return text.startswith('{"action":"heartbeat"')


class Client:
    """Does what the recording client did, in its order, and keeps what it is sent."""

    def __init__(self, url):
        self.url = url
        self.received = Counter()
        self.in_order = 0
        self.endings = []
        self._socket = None

    def follow(self, entry):
        act = {"event": self._event, "out": self._send, "in": self._receive}
        act[entry["dir"]](entry)

    def _event(self, entry):
        if entry["op"] == "open":
            self._socket = connect(self.url)
        elif entry["op"] == "end":
            self._socket.close()
        elif entry["op"] in ("we-close", "dropped"):
            self.endings.append(self._listen_to_the_end())

    def _send(self, entry):
        if not is_heartbeat(entry["data"].replace(" ", "")):
            self._socket.send(entry["data"])

    def _receive(self, entry):
        if is_heartbeat(entry["data"]):
            return
        text = self._socket.recv()
        while is_heartbeat(text):
            text = self._socket.recv()
        self.received[text] += 1
        self.in_order += text == entry["data"]

    def _listen_to_the_end(self):
        """Return how the server ended the connection: with a close frame or without."""
        try:
            while True:
                operation, _ = self._socket.recv_data()
                if operation == websocket.ABNF.OPCODE_CLOSE:
                    return "close frame"
        except (websocket.WebSocketConnectionClosedException, OSError):
            return "none"
        finally:
            self._socket.shutdown()  # `close` does nothing once the server has closed


@pytest.mark.parametrize("name", NAMES)
def test_everything_recorded_is_delivered(simulated, captures, entries, name):
    recorded = entries(captures[name])
    arguments = ("replay", captures[name], "--speed", SPEED, "--no-shift")
    with simulated(*arguments) as (_, url):
        client = Client(url)
        for entry in recorded:
            client.follow(entry)

    expected = Counter(
        entry["data"]
        for entry in recorded
        if entry["dir"] == "in" and not is_heartbeat(entry["data"])
    )
    assert client.received == expected
    assert client.in_order == sum(expected.values()) or name == "subscribed_twice"
    cuts = [entry["op"] for entry in recorded if entry["op"] in ("we-close", "dropped")]
    assert client.endings == ["close frame" if cut == "we-close" else "none" for cut in cuts]


class Recorder:
    """Knows only what it is told: follows each chat and agent named in a request."""

    def __init__(self, url, root):
        self.url, self.root = url, root
        self.frames = []
        self._topics = {}

    def listen(self, process):
        """Reconnect until the replay is over."""
        while process.poll() is None:
            with contextlib.suppress(OSError, websocket.WebSocketException):
                self._live(connect(self.url))

    def _live(self, socket):
        with contextlib.ExitStack() as ending:
            ending.callback(socket.shutdown)  # `close` does nothing once the server has closed
            asked = set()
            self._ask(socket, asked, f"{self.root}/requests")
            for topic in tuple(self._topics):
                self._ask(socket, asked, topic)
            while True:
                operation, data = socket.recv_data()
                if operation == websocket.ABNF.OPCODE_CLOSE:
                    return
                self.frames.append(data.decode())
                for topic in self._named(data):
                    self._ask(socket, asked, topic)

    def _ask(self, socket, asked, topic):
        self._topics[topic] = None
        if topic not in asked:
            asked.add(topic)
            socket.send(json.dumps({"action": "subscribe", "payload": {"topic": topic}}))

    def _named(self, data):
        payload = json.loads(data).get("payload", {})
        if payload.get("topic") != f"{self.root}/requests":
            return
        message = payload["message"]
        for request in message if isinstance(message, list) else [message]:
            yield f"{self.root}/requests/{request['request_id']}/messages"
            for user_id in request["participantsAgents"]:
                yield f"{self.root}/project_users/users/{user_id}"


@pytest.fixture(scope="module")
def recorded_live(simulated, captures, tmp_path_factory):
    """Record `forty_chats` as a recorder would, with its times moved."""
    log = tmp_path_factory.mktemp("replay") / "log.jsonl"
    arguments = ("replay", captures["forty_chats"], "--speed", SPEED, "--linger", 0, "--log", log)
    with simulated(*arguments) as (process, url):
        recorder = Recorder(url, FORTY)
        recorder.listen(process)
        _, errors = process.communicate(timeout=60)
    sent = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return recorder.frames, sent, errors, process.returncode


def test_what_the_log_says_is_what_arrived(recorded_live):
    frames, sent, errors, status = recorded_live

    assert [entry["data"] for entry in sent] == frames
    assert {entry["conn"] for entry in sent} == {1, 2}
    assert status == 0
    assert errors.splitlines()[0] == "the recording is over"
    assert re.fullmatch(
        r"played 646 of 646 lines over 2 connections; \d+ had no subscriber;"
        r" times moved by \d+ ms",
        errors.splitlines()[1],
    )


def test_no_message_is_lost_on_who_subscribes_a_little_later(recorded_live, captures, entries):
    frames, *_ = recorded_live

    def messages(texts):
        found = set()
        for text in texts:
            payload = json.loads(text).get("payload", {})
            if payload.get("topic", "").endswith("/messages"):
                content = payload["message"]
                rows = content if isinstance(content, list) else [content]
                found |= {message["_id"] for message in rows}
        return found

    recorded = [e["data"] for e in entries(captures["forty_chats"]) if e["dir"] == "in"]
    assert messages(frames) == messages(recorded)


def test_the_last_line_is_now(recorded_live):
    frames, sent, *_ = recorded_live
    times = re.findall(r'"updatedAt":"([^"]*)"', "".join(frames))

    lag = sent[-1]["at"] - datetime.fromisoformat(max(times)).replace(tzinfo=UTC).timestamp()
    assert -1 < lag < 150  # heartbeats and no chat at all fill the end of the recording


def test_what_was_refused_is_refused_again(simulated, captures, subscription):
    refused = min(capture.refused(capture.read(captures["agent_view"])))
    with (
        simulated("replay", captures["agent_view"]) as (_, url),
        contextlib.closing(connect(url)) as socket,
    ):
        socket.send(subscription(refused))
        socket.send('{"action":"me"}')

        assert json.loads(socket.recv())["action"] == "me"


def test_a_file_that_is_no_recording_is_told_in_one_line(simulated, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text("odd\n")
    with simulated("replay", path) as (process, url):
        _, errors = process.communicate(timeout=60)

    assert url == ""
    assert process.returncode == 1
    assert errors.startswith(f"Error: {path}: not readable as JSON lines (")
    assert len(errors.splitlines()) == 1
