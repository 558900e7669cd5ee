"""What these tests share: a watched desk, served processes, recordings of the real server."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.simulate.desk import Desk
from archiver.simulate.hub import Hub
from archiver.simulate.settings import PROJECT_ID, DeskSettings
from archiver.simulate.timeline import DAY, from_iso

ROOT = Path(__file__).parents[2]
START = from_iso("2026-11-02T00:00:00Z")
REQUESTS = f"/{PROJECT_ID}/requests"


@dataclass
class Watched:
    """What a desk sent a follower: (time, topic, method, message); and what was true."""

    frames: list[tuple[int, str, str, object]]
    truth: dict[str, list[dict]]

    def live_requests(self):
        for at, topic, method, message in self.frames:
            if topic == REQUESTS and isinstance(message, dict):
                yield at, method, message

    def live_messages(self):
        for _, topic, _, message in self.frames:
            if topic.endswith("/messages") and isinstance(message, dict):
                yield message

    def facts(self, kind):
        """Return the facts of a kind by chat."""
        by_chat = defaultdict(list)
        for fact in self.truth[kind]:
            by_chat[fact["request_id"]].append(fact)
        return by_chat


class Follower:
    """A client that asks at once for every chat and agent that it hears of."""

    def __init__(self, hub, at):
        self.frames = []
        self._followed = set()
        self._connection = hub.connect(at)
        self._ask(REQUESTS, at)

    def listen(self, at):
        for text in self._connection.take():
            self._take(text, at)

    def _ask(self, topic, at):
        if topic not in self._followed:
            self._followed.add(topic)
            for text in self._connection.receive(subscription(topic)):
                self._take(text, at)

    def _take(self, text, at):
        payload = json.loads(text)["payload"]
        topic, message = payload["topic"], payload["message"]
        self.frames.append((at, topic, payload["method"], message))
        if topic == REQUESTS:
            for request in message if isinstance(message, list) else [message]:
                self._ask(f"{REQUESTS}/{request['request_id']}/messages", at)
                for user_id in request["participantsAgents"]:
                    self._ask(f"/{PROJECT_ID}/project_users/users/{user_id}", at)


def watch(settings, days):
    hub, lines = Hub(), []
    desk = Desk(settings, START, hub, lines.append)
    follower = Follower(hub, START)
    while (at := desk.next_at()) <= START + days * DAY:
        desk.advance(at)
        follower.listen(at)
    desk.finish()
    return Watched(follower.frames, facts_by_kind(lines))


def facts_by_kind(lines):
    facts = defaultdict(list)
    for line in lines:
        fact = json.loads(line)
        facts[fact["kind"]].append(fact)
    return facts


def subscription(topic):
    return json.dumps({"action": "subscribe", "payload": {"topic": topic}})


@pytest.fixture(scope="session")
def watched():
    return watch(DeskSettings(), days=3)


@pytest.fixture(scope="session")
def captures():
    """Give the recordings of the real server, by name."""
    folder = ROOT / "tests" / "data" / "captures"
    found = {path.name.split(".")[0]: path for path in folder.glob("*.frames.jsonl.gz")}
    return found | {"forty_chats": folder / "forty_chats" / "frames.jsonl.gz"}


def entries(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@contextmanager
def simulating(*arguments):
    """Run `archiver simulate …` in a process of its own; give the process and its URL."""
    command = [sys.executable, "-m", "archiver.simulate.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            process.communicate(timeout=60)


@pytest.fixture(scope="session")
def simulated():
    return simulating


@pytest.fixture(scope="session", name="entries")
def _entries():
    return entries


@pytest.fixture(scope="session", name="subscription")
def _subscription():
    return subscription


@pytest.fixture(scope="session", name="facts_by_kind")
def _facts_by_kind():
    return facts_by_kind
