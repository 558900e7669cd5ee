"""Many projects, many connections: what befalls one never touches another."""

from __future__ import annotations

import json

A = "5f6c1d2e3a4b5c6d7e8f9a0a"
B = "5f6c1d2e3a4b5c6d7e8f9a0b"
C = "5f6c1d2e3a4b5c6d7e8f9a0c"
DESK = ("serve", "--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")


def covered(rows, project):
    return [
        fact
        for row in rows
        if row["project_id"] == project and row["kind"] == "control"
        if (fact := json.loads(row["payload"]))["control"] == "covered"
    ]


def chats(rows, project):
    return {
        row["request_id"]
        for row in rows
        if row["project_id"] == project and row["kind"] == "request" and row["request_id"]
    }


def test_two_projects_share_one_connection_unless_told_otherwise(serve, record, archive, read_rows):
    server = serve(*DESK, "--project", A, "--project", B)
    recorder = record(server.url, "--project", B, project=A)
    recorder.wait_for("event=connected")
    server.wait_until_sent(600_000)
    assert recorder.stop() == 0

    rows = read_rows(archive)
    assert list(server.sent()) == [1]
    assert chats(rows, A)
    assert chats(rows, B)
    assert covered(rows, A)
    assert covered(rows, B)


def test_projects_are_spread_over_connections(
    serve, record, run, archive, read_rows, sent_entities, kept_entities
):
    server = serve(*DESK, "--project", A, "--project", B, "--project", C)
    recorder = record(
        server.url, "--project", B, "--project", C, "--max-connections", "2", project=A
    )
    recorder.wait_for("event=connected", times=2)
    server.wait_until_sent(900_000)
    assert recorder.stop() == 0

    rows = read_rows(archive)
    assert kept_entities(rows) == sent_entities(server.sent())
    by_connection = {
        number: {row["project_id"] for row in rows if row["connection"] == number}
        for number in (1, 2)
    }
    assert sorted(map(sorted, by_connection.values())) == [[A, C], [B]]
    assert all(covered(rows, project) for project in (A, B, C))
    assert run("archiver", "verify", "--archive", archive).returncode == 0


def test_a_token_that_is_refused_stops_its_own_project_only(
    serve, configured, archive, read_rows, tmp_path
):
    server = serve(*DESK, "--project", A, "--project", B)
    recorder = configured(server.url, {A: "simulated", B: "wrong"})
    recorder.wait_for("event=connected")
    recorder.wait_for("event=waiting")
    server.wait_until_sent(300_000)

    (tmp_path / f"token-{B}").write_text("simulated")
    recorder.wait_for("event=connected", times=2)
    server.wait_until_sent(server.log.stat().st_size + 600_000)
    assert recorder.stop() == 0

    rows = read_rows(archive)
    assert chats(rows, A)
    assert chats(rows, B)
    (first,) = [fact["since"] for fact in covered(rows, A)]
    (second,) = [fact["since"] for fact in covered(rows, B)]
    assert first < second
    gaps = [json.loads(row["payload"]) for row in rows if row["kind"] == "gap"]
    assert {gap["why"] for gap in gaps} == {"the recorder was stopped"}


def test_fewer_connections_than_tokens_is_one_line(configured):
    recorder = configured("ws://127.0.0.1:9/", {A: "x", B: "y"}, "--max-connections", "1")

    assert recorder.popen.wait(30) == 1
    recorder.wait_for(
        "Error: --max-connections 1: 2 tokens need as many connections;"
        " allow more, or record fewer projects"
    )
