"""A recorder whose archive is in a bucket: what it received is there, whatever the store does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

BIN = Path(sys.executable).parent
PATIENCE = 60
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")

pytestmark = pytest.mark.slow


@dataclass
class Program:
    """A program of ours; what it says on stderr is kept."""

    popen: subprocess.Popen[str]
    said: list[str]
    heard: threading.Condition
    listener: threading.Thread = None

    def __post_init__(self):
        self.listener = threading.Thread(target=self.listen, daemon=True)

    def listen(self):
        for line in self.popen.stderr:
            with self.heard:
                self.said.append(line)
                self.heard.notify_all()

    def wait_for(self, text):
        with self.heard:
            came = self.heard.wait_for(lambda: any(text in one for one in self.said), PATIENCE)
        assert came, self.said[-5:]

    def stop(self):
        self.popen.terminate()
        return self.popen.wait(PATIENCE)


@pytest.fixture
def start():
    """Start programs; end them all when the test is over."""
    programs = []

    def run(*command, **environment):
        popen = subprocess.Popen(
            [BIN / command[0], *map(str, command[1:])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        program = Program(popen, [], threading.Condition())
        program.listener.start()
        programs.append(program)
        return program

    yield run
    for program in programs:
        program.popen.kill()
        program.popen.wait()
        program.listener.join()
        program.popen.stdout.close()
        program.popen.stderr.close()


@pytest.fixture
def server(start):
    """The address of a busy desk."""
    return start("archiver", "simulate", *BUSY).popen.stdout.readline().strip()


@pytest.fixture
def record(start, place, server):
    def begin(*arguments):
        command = ["archiver", "record", "--archive", place.remote.url, "--url", server]
        command += ["--spool", place.remote.spool, "--project", PROJECT, "--roll-seconds", "1"]
        return start(*command, *arguments, TILEDESK_TOKEN="simulated")

    return begin


def rows(place):
    """Return the keys of all rows in the store, and those in the spool."""
    spooled = sorted(place.remote.spool.glob("project_id=*/date=*/*.parquet"))
    return keys_of(place.all_keys(), place.bucket), [
        key for path in spooled for key in _keys(pq.ParquetFile(path))
    ]


def keys_of(names, bucket):
    found = {name for name in names if name.endswith(".parquet")}
    return [
        key
        for folder in {name.rpartition("/")[0] for name in found}
        for one in bucket.list(folder).objects
        for key in _keys(pq.ParquetFile(bucket.open(one)))
    ]


def _keys(file):
    table = file.read(columns=["seq", "element"]).to_pylist()
    return [(row["seq"], row["element"]) for row in table]


def until(condition):
    """Wait for what another process brings about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_everything_is_in_the_store_when_it_ends(place, record):
    recorder = record()
    until(lambda: any("date=" in key for key in place.all_keys()))
    assert recorder.stop() == 0

    there, left = rows(place)
    assert left == []
    assert len(there) == len(set(there)) > 50
    assert {"archive.json", "_recorders/main.json"} <= set(place.all_keys())


def probe(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def number(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def test_an_outage_delays_publishing_and_nothing_else(place, record):
    out = threading.Event()
    place.proxy.meddle = lambda *_: 503 if out.is_set() else None
    recorder = record("--health", "127.0.0.1:0", "--spool-limit", 2**20)
    recorder.wait_for("event=answering")
    (told,) = [line for line in recorder.said if "event=answering" in line]
    port = told.strip().rpartition("port=")[2]
    until(lambda: number(probe(port, "/metrics"), "archiver_published_parts_total") > 0)

    out.set()
    recorder.wait_for("event=publishing")
    before = number(probe(port, "/metrics"), "archiver_frames_total")
    until(lambda: number(probe(port, "/metrics"), "archiver_unpublished_parts") > 3)
    until(lambda: number(probe(port, "/metrics"), "archiver_frames_total") > before)
    told = probe(port, "/metrics")
    assert number(told, "archiver_spool_bytes") > 0
    assert number(told, "archiver_publish_failures_total") > 0
    assert number(told, "archiver_spool_full") == 0
    assert number(told, "archiver_reconnects_total") == 0

    out.clear()
    assert recorder.stop() == 0
    there, left = rows(place)
    assert left == []
    assert len(there) == len(set(there)) > 50
    assert not any("reason" in line or "AKIATHEKEY" in line for line in recorder.said)


def test_a_slow_store_never_holds_up_receiving(place, record):
    slow = threading.Event()

    def hold(method, _path):
        if method == "PUT":
            slow.wait(PATIENCE)

    place.proxy.meddle = hold
    recorder = record()
    slow.set()
    recorder.wait_for("event=connected")
    slow.clear()
    until(lambda: len(list(place.remote.spool.glob("project_id=*/date=*/*.parquet"))) > 3)
    slow.set()

    assert recorder.stop() == 0
    there, left = rows(place)
    assert left == []
    assert len(there) == len(set(there))


def test_what_a_killed_recorder_left_is_published_by_the_next(place, record):
    first = record()
    until(lambda: any("date=" in key for key in place.all_keys()))
    first.popen.kill()
    first.popen.wait()

    second = record()
    second.wait_for("event=connected")
    assert second.stop() == 0

    there, left = rows(place)
    assert left == []
    assert len(there) == len(set(there))
    assert not list(place.remote.spool.rglob("*.segment"))


def test_a_wrong_bucket_is_said_at_once(start, place, server):
    command = ["archiver", "record", "--archive", "s3://not-there/x", "--url", server]
    command += ["--spool", place.remote.spool, "--project", PROJECT]
    recorder = start(*command, TILEDESK_TOKEN="simulated")

    assert recorder.popen.wait(PATIENCE) == 1
    recorder.wait_for("Error: s3://not-there/x: no such bucket; make it, or name another")


def test_a_store_that_is_away_at_the_start_is_waited_for(place, record):
    away = threading.Event()
    away.set()
    place.proxy.meddle = lambda *_: 503 if away.is_set() else None
    recorder = record()
    recorder.wait_for("event=publishing")
    recorder.wait_for("event=connected")
    away.clear()
    until(lambda: "archive.json" in place.all_keys())
    assert recorder.stop() == 0

    assert rows(place)[1] == []


def test_it_says_what_is_missing(start, place):
    recorder = start("archiver", "record", "--archive", "s3://chats/kept", "--project", PROJECT)

    assert recorder.popen.wait(PATIENCE) == 2
    recorder.wait_for("name a --spool")
    facts = json.dumps([line for line in recorder.said if "Traceback" in line])
    assert facts == "[]"
