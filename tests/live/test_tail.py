"""`archiver tail` beside a recorder at work: what it says, over rolls, a kill, and Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading

import pytest

from archiver.coverage import iso
from archiver.extract import read_time

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
BUSY = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")


@pytest.fixture
def follow(started, archive):
    """Start `archiver tail` and read its lines as they come."""

    def start(kind, program, *arguments):
        process = started.run(kind, [program, "tail", "--archive", archive, *arguments])
        said = Said(process)
        threading.Thread(target=said.listen, daemon=True).start()
        return said

    return start


class Said:
    """What a program says on stdout."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.heard = threading.Condition()

    def listen(self):
        for line in self.process.popen.stdout:
            with self.heard:
                self.lines.append(line.rstrip("\n"))
                self.heard.notify_all()

    def wait_for(self, told, patience=60):
        with self.heard:
            came = self.heard.wait_for(lambda: any(map(told, self.lines)), patience)
        assert came, self.lines[-5:]


@pytest.fixture
def tail(follow, record, serve):
    """Have a desk recorded and followed; return the server, the recorder and what is said."""

    def begin(*arguments, rolls="1"):
        server = serve(*BUSY)
        recorder = record(server.url, "--roll-seconds", rolls)
        recorder.wait_for("event=connected")
        program = recorder.popen.args[0]
        return server, recorder, follow(type(recorder), program, *arguments)

    return begin


def events(said):
    return [json.loads(line) for line in said.lines]


def test_every_row_of_a_chat_is_told_over_rolls(tail, archive, read_rows):
    _, recorder, said = tail("--format", "json", "--lines", "100000")
    said.wait_for(lambda line: '"new chat, ' in line)
    first = events(said)[-1]["at"]
    for _ in range(4):  # a part a second: so many rolls, and sealing beside
        first = iso(read_time(first) + 1_000_000)
        said.wait_for(lambda line, least=first: json.loads(line)["at"] > least)
    assert len(list(archive.glob("project_id=*/date=*/*.parquet"))) >= 1
    assert recorder.stop() == 0
    said.wait_for(lambda line: "gap began" in line)
    assert said.process.stop(signal.SIGINT) == 0

    told = [one for one in events(said) if one["kind"] == "message" and "message by" in one["what"]]
    rows = [row for row in read_rows(archive) if row["kind"] == "message"]
    live = [row["request_id"] for row in rows if not row["is_snapshot"]]
    assert [one["request_id"] for one in told] == live


def test_it_tells_people_what_happens_and_nobody_s_words(tail, archive, read_rows):
    server, recorder, said = tail(rolls="3600")
    server.wait_until_sent(200_000)
    for what in ("new chat, ", "message by visitor ", "message by bot bot_", "message by system"):
        said.wait_for(lambda line, what=what: what in line)
    assert said.process.stop(signal.SIGINT) == 0
    assert recorder.stop() == 0

    rows = [row for row in read_rows(archive) if row["kind"] == "message" and row["entity_id"]]
    words = {json.loads(row["payload"])["text"] for row in rows if (row["text_length"] or 0) > 15}
    output = "\n".join(said.lines)
    assert words
    assert not [text for text in words if text in output]
    assert "«" not in output


def test_words_are_told_when_asked_for(tail, run, archive):
    _, _, said = tail("--text", rolls="3600")
    said.wait_for(lambda line: "message by visitor " in line and "«" in line)
    assert said.process.stop(signal.SIGINT) == 0


def test_a_recorder_s_death_is_a_gap_that_ends(tail, record):
    server, recorder, said = tail(rolls="3600")
    said.wait_for(lambda line: "message by" in line)
    recorder.stop(signal.SIGKILL)

    record(server.url).wait_for("event=connected")

    said.wait_for(lambda line: "gap began: the recorder died" in line)
    said.wait_for(lambda line: "gap ended after " in line and "the recorder died" in line)
    said.wait_for(lambda line: "connected, connection 2" in line)
    assert said.process.stop(signal.SIGINT) == 0


def test_without_following_it_ends(tail, run, archive):
    server, recorder, said = tail(rolls="3600")
    server.wait_until_sent(200_000)
    said.wait_for(lambda line: "message by" in line)

    few = run("archiver", "tail", "--archive", archive, "--no-follow", "--lines", "3")
    none = run("archiver", "tail", "--archive", archive, "--project", "other")
    recorder.stop()
    sealed = run("archiver", "tail", "--archive", archive, "--no-follow")

    assert (few.returncode, len(few.stdout.splitlines())) == (0, 3)
    assert (none.returncode, none.stdout, none.stderr) == (
        1,
        "",
        f"Error: {archive}: no project other here; there is {PROJECT}\n",
    )
    assert (sealed.returncode, sealed.stdout) == (0, "")
    assert "nothing is unsealed" in sealed.stderr


def test_a_folder_that_is_no_archive_is_refused(run, tmp_path):
    done = run("archiver", "tail", "--archive", tmp_path)

    assert done.returncode == 1
    assert "no archive here" in done.stderr
