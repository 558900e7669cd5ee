"""`kill -9` of a recorder at work: nothing that was sent is lost without a gap that says so."""

from __future__ import annotations

import json
import random
import signal
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

ROUNDS = 10
BUSY = ("serve", "--speed", "120", "--chats-per-day", "4000", "--agents", "30", "--seed", "7")


@pytest.fixture
def killed(serve, record, run, archive):
    """Kill a recorder ten times under a busy desk; leave the last journal to `archiver seal`."""
    server = serve(*BUSY, "--start", "2026-11-23T09:00:00Z")
    dice = random.Random(5)
    deaths = []
    for _ in range(ROUNDS):
        recorder = record(server.url, "--roll-seconds", "1")
        recorder.wait_for("event=connected")
        server.wait_until_sent(server.log.stat().st_size + dice.randrange(20_000, 400_000))
        deaths.append(recorder.stop(signal.SIGKILL))
    assert deaths == [-signal.SIGKILL] * ROUNDS
    assert server.stop() == 0
    sealed = run("archiver", "seal", "--archive", archive)
    assert sealed.returncode == 0, sealed.stderr
    return server


def moment(text):
    return datetime.max.replace(tzinfo=UTC) if text is None else datetime.fromisoformat(text)


def last_kept(rows, connection):
    times = [row["received_at"] for row in rows if row["connection"] == connection]
    return max(times, default=None)


@pytest.fixture
def both(killed, archive, read_rows, sent_entities, kept_entities):
    """Return what was sent and what was kept, by connection, frame and entity."""
    return sent_entities(killed.sent()), kept_entities(read_rows(archive))


def test_what_was_sent_is_archived_or_in_a_gap_after_ten_kills(both, run, archive, read_rows, gaps):
    sent, kept = both
    rows = read_rows(archive)

    assert list(sent) == list(range(1, ROUNDS + 1))
    for connection, frames in sent.items():
        whole = kept.get(connection, [])
        assert whole == frames[: len(whole)], f"connection {connection}"
    assert sum(map(len, kept.values())) > 0
    found = gaps(rows)
    assert {gap["why"] for gap in found} == {"the recorder died"}
    assert [gap["until"] is None for gap in found] == [False] * (len(found) - 1) + [True]
    # Everything after the last frame kept of a connection lies in a gap: one that begins with the
    # last sign of life, at most a mark's distance later, and ends after it.
    for connection in sent:
        at = last_kept(rows, connection)
        assert at is None or any(
            at <= moment(gap["since"]) <= at + timedelta(seconds=6)
            or moment(gap["since"]) <= at < moment(gap["until"])
            for gap in found
        )
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_coverage_never_claims_the_time_between_two_runs(killed, archive, read_rows, gaps):
    rows = read_rows(archive)

    spans = sorted(
        (fact["since"], fact["until"])
        for row in rows
        if row["kind"] == "control"
        if (fact := json.loads(row["payload"]))["control"] == "covered"
    )
    closed = [(gap["since"], gap["until"]) for gap in gaps(rows) if gap["until"]]
    pieces = sorted(spans + closed)
    assert all(before[1] <= after[0] for before, after in pairwise(pieces))
    assert pieces[0] == spans[0]


def test_a_report_says_what_no_recorder_saw(killed, run, archive, read_rows):
    spans = [
        (moment(fact["since"]), moment(fact["until"]))
        for row in read_rows(archive)
        if row["kind"] == "control"
        if (fact := json.loads(row["payload"]))["control"] == "covered"
    ]
    covered = sum(((until - since) for since, until in spans), timedelta())
    day = min(spans)[0].date()

    told = run("analytics", "report", "--archive", archive, "--date", day, "--format", "json")

    assert told.returncode == 0, told.stderr
    coverage = json.loads(told.stdout)["coverage"]
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    before, *between = coverage["gaps"]
    assert (moment(before["since"]), moment(before["until"])) == (midnight, min(spans)[0])
    assert before["why"] is None
    assert {gap["why"] for gap in between} == {"the recorder died"}
    until = moment(between[-1]["until"])
    assert coverage["ratio"] == pytest.approx(covered / (until - midnight), rel=1e-6)


def test_sealing_twice_changes_nothing_and_numbers_are_never_used_again(
    killed, serve, record, run, archive
):
    parts = {path: path.read_bytes() for path in archive.rglob("*.parquet")}

    again = run("archiver", "seal", "--archive", archive)
    assert again.stderr == "sealed 0 segments of main\n"
    server = serve(*BUSY)
    recorder = record(server.url)
    recorder.wait_for("event=connected")
    assert recorder.stop() == 0

    now = {path: path.read_bytes() for path in archive.rglob("*.parquet")}
    assert {path: now[path] for path in parts} == parts
    assert min(set(now) - set(parts)).name > max(parts, key=lambda path: path.name).name
