"""Recordings of a real server, served again and recorded by `archiver record`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
FORTY = "6b0482710586eb286f450689"
VIEWED = "6b047ee8ddd2e63c67172e40"
RESTARTED = "6b04835b0586eb286f454aa6"


@pytest.fixture
def play(serve, record, archive, read_rows):
    """Replay a recording to a recorder; return the server and the rows of the archive."""

    def run(name, project, speed):
        server = serve("replay", CAPTURES / name, "--speed", str(speed), "--linger", "1")
        recorder = record(server.url, project=project)
        assert server.popen.wait(120) == 0, server.lines
        assert recorder.stop() == 0, recorder.lines
        return server, read_rows(archive)

    return run


def tiledesk_compatible(run, archive, project):
    found = run(
        *("analytics", "metric", "tiledesk_compatible", "--archive", archive),
        *("--project", project, "--since", "2026-11-01", "--until", "2100-01-01"),
        *("--look-back", "all", "--look-ahead", "all", "--format", "json"),
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_forty_chats_are_kept_byte_for_byte_and_count_as_the_server_counted(
    play, run, archive, gaps, sent_entities, kept_entities
):
    server, rows = play("forty_chats/frames.jsonl.gz", FORTY, 25)

    sent, kept = sent_entities(server.sent()), kept_entities(rows)
    assert len(sent) == 2
    assert kept == sent
    (cut, end) = gaps(rows)
    assert cut["why"].startswith("closed by the server")
    first = next(
        row for row in rows if row["connection"] == 2 and row["topic"].endswith("/requests")
    )
    assert cut["until"] == first["received_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert end["until"] is None
    assert {row["source"] for row in rows if row["kind"] == "message"} == {"realtime", "repair"}
    assert tiledesk_compatible(run, archive, FORTY) == [
        {
            "requests_count": 38,
            "waiting_time_avg_ms": 7992.361111111111,
            "duration_avg_ms": 38250.5,
            "satisfaction_avg": 3.0,
            "messages_count": 355,
        }
    ]
    assert run("archiver", "verify", "--archive", archive).returncode == 0


@pytest.mark.parametrize(
    ("name", "project", "cuts"),
    [
        ("server_restart.frames.jsonl.gz", RESTARTED, 1),
        ("silent_client.frames.jsonl.gz", VIEWED, 2),
        ("subscribed_twice.frames.jsonl.gz", VIEWED, 0),
        ("agent_view.frames.jsonl.gz", VIEWED, 0),
        ("four_chats.frames.jsonl.gz", VIEWED, 0),
    ],
)
def test_every_recording_is_kept_and_its_cuts_are_gaps(
    play, gaps, sent_entities, kept_entities, name, project, cuts
):
    server, rows = play(name, project, 40)

    assert kept_entities(rows) == sent_entities(server.sent())
    found = gaps(rows)
    assert [gap["until"] is not None for gap in found] == [True] * cuts + [False]


def test_injected_frames_are_kept_as_untrusted_and_count_nowhere(
    play, run, archive, gaps, sent_entities, kept_entities
):
    server, rows = play("owner_view.frames.jsonl.gz", VIEWED, 40)

    assert kept_entities(rows) == sent_entities(server.sent())
    assert [gap["until"] is not None for gap in gaps(rows)] == [True, False]
    untrusted = [row for row in rows if row["kind"] == "untrusted"]
    assert [row["payload"] for row in untrusted] == ['{"spoof":1}'] * 2
    assert all(row["method"] is None and row["entity_id"] is None for row in untrusted)
    counted = tiledesk_compatible(run, archive, VIEWED)[0]["requests_count"]
    chats = {row["entity_id"] for row in rows if row["kind"] == "request" and row["entity_id"]}
    assert counted == len(chats)
