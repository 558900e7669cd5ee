"""A hot standby: two recorders of one archive that die in turn tell what one that lives tells."""

from __future__ import annotations

import json
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FORTY = "6b0482710586eb286f450689"
FEED = f"/{PROJECT}/requests"
CLOSED = 1000


@pytest.fixture
def happenings(capture):
    """Return what a real server told of forty chats, each with its topic and method."""

    def live():
        for line in capture("forty_chats/frames.jsonl.gz"):
            frame = json.loads(line["data"].replace(FORTY, PROJECT)) if line["op"] == "text" else {}
            payload = frame.get("payload", {})
            is_live = line["dir"] == "in" and isinstance(payload.get("message"), dict)
            if is_live and "topic" in payload:  # neither a snapshot nor a heartbeat
                yield payload["topic"], payload["method"], payload["message"]

    return list(live())


class Desk:
    """The office's day, and the recorders who follow it by their connections."""

    def __init__(self, office, happenings):
        self._office = office
        self._left = happenings
        self._topics = {FEED}
        self.following = set()

    def join(self, connection):
        """Wait until a recorder follows all that it should."""
        for topic in self._topics:
            self._office.wait_until_followed(topic, {connection})
        self.following.add(connection)

    def go_on(self, count):
        """Let so much happen; whatever begins is followed by everybody before it goes on."""
        now, self._left = self._left[:count], self._left[count:]
        for topic, method, document in now:
            self._office.tell(topic, method, document)
            if topic == FEED:
                self._look_at(document)

    def _look_at(self, chat):
        topic = f"{FEED}/{chat['request_id']}/messages"
        if chat["status"] == CLOSED:
            self._topics.discard(topic)  # left after a minute, or at once after a restart
        elif topic not in self._topics:
            self._topics.add(topic)
            self._office.wait_until_followed(topic, self.following)

    @property
    def is_over(self):
        return not self._left


@pytest.fixture
def recorded(office, happenings, started, tmp_path):
    """Record a day by a pair that dies in turn, and by one that does not; return the archives."""
    pair, alone = tmp_path / "pair", tmp_path / "alone"
    desk = Desk(office, happenings)

    def begin(archive, name):
        command = [*started.archiver, "record", "--archive", archive, "--project", PROJECT]
        command += ["--url", office.url, "--recorder", name, "--roll-seconds", "1"]
        recorder = started.run(started.kind, command, TILEDESK_TOKEN="simulated")
        recorder.wait_for("event=connected")
        desk.join(len(office.dials(1)))
        return recorder

    witness, first, second = begin(alone, "main"), begin(pair, "main"), begin(pair, "standby")
    desk.go_on(150)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    desk.following.remove(2)
    desk.go_on(150)
    first = begin(pair, "main")
    desk.go_on(50)
    assert second.stop() == 0
    desk.following.remove(3)
    desk.go_on(1000)
    assert desk.is_over
    first.popen.send_signal(signal.SIGTERM)
    assert (witness.stop(), first.popen.wait(30)) == (0, 0)
    return pair, alone


# What is about the recording itself, and how long somebody was something while it ran: that
# differs by the seconds in which one recorder starts after another.
ITSELF = {"coverage_by_day", "data_quality"}
WHILE = re.compile(r"coverage_ratio|exposure_h|(un)?available_s|engaged_.*s|idle_s")


def metrics(told, near=float):
    """Return a report's numbers, as far as two recordings of the same can agree."""
    return {
        name: [
            {
                key: near(value) if isinstance(value, float) else value
                for key, value in row.items()
                if not WHILE.fullmatch(key)
            }
            for row in rows
        ]
        for name, rows in told["metrics"].items()
        if name not in ITSELF
    }


def report(run, archive, *window):
    found = run(
        *("analytics", "report", "--archive", archive, "--format", "json", *window),
        *("--look-back", "all", "--look-ahead", "all"),
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def around_today():
    today = datetime.now(UTC).date()
    return ("--since", today - timedelta(days=1), "--until", today + timedelta(days=2))


def uncovered(told):
    """Return where what is not covered ends and begins again; nothing else may be uncovered."""
    before, after = told["coverage"]["gaps"]
    return before["until"], after["since"]


def span(rows):
    """Return the ends of all that the recorders say they covered."""
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
    covered = [fact for fact in facts if fact["control"] == "covered"]
    return min(fact["since"] for fact in covered), max(fact["until"] for fact in covered)


def test_a_pair_tells_what_one_that_saw_all_tells(recorded, run, read_rows, gaps):
    pair, alone = recorded
    rows = {name: read_rows(archive) for name, archive in (("pair", pair), ("alone", alone))}
    seen = {
        name: {
            (row["kind"], row["entity_id"], row["updated_at"])
            for row in rows["pair"]
            if row["recorder"] == name
        }
        for name in ("main", "standby")
    }
    told, truth = (
        report(run, archive, "--since", "2026-11-01", "--until", "2026-12-01")
        for archive in recorded
    )

    assert seen["main"] - seen["standby"]  # neither of the two saw all
    assert seen["standby"] - seen["main"]
    assert len(rows["pair"]) > 1.3 * len(rows["alone"])
    assert truth["metrics"]["tiledesk_compatible"][0]["requests_count"] > 30
    assert metrics(told) == metrics(truth, near=lambda value: pytest.approx(value, rel=1e-9))
    death, *_ = gaps([row for row in rows["pair"] if row["recorder"] == "main"])
    assert (death["why"], death["until"] is None) == ("the recorder died", False)
    assert uncovered(report(run, pair, *around_today())) == span(rows["pair"])
    for archive in recorded:
        assert run("archiver", "verify", "--archive", archive).returncode == 0
