"""Whatever a server may send is kept, counted and survived."""

from __future__ import annotations

import base64
import json

BIG = (
    '{"action":"publish","payload":{"topic":"/5f6c1d2e3a4b5c6d7e8f9a0b/requests",'
    '"method":"UPDATE","message":"%s"}}'
)
LONE = (
    '{"action":"publish","payload":{"topic":"/5f6c1d2e3a4b5c6d7e8f9a0b/requests/r1/messages",'
    '"method":"CREATE","message":{"_id":"m1","sender":"v1","text":"cut \\ud83d off"}}}'
)
WRONG = (
    '{"action":"publish","payload":{"topic":"/5f6c1d2e3a4b5c6d7e8f9a0b/requests",'
    '"method":"UPDATE","message":{"_id":7,"request_id":[],"status":"open","createdAt":12,'
    '"participants":"none","department":4,"channel":"x","rating":{},"snapshot":[1]}}}'
)
NULL = (
    '{"action":"publish","payload":{"topic":"/5f6c1d2e3a4b5c6d7e8f9a0b/requests",'
    '"method":"CREATE","message":null}}'
)
TEXTS = [
    "",
    "not json",
    "null",
    "[]",
    "7",
    "{}",
    '{"action":"publish"}',
    '{"action":"publish","payload":null}',
    '{"action":"publish","payload":{"topic":5,"method":"CREATE","message":{}}}',
    NULL,
    '{"action":"unheard of","payload":{}}',
    '{"action":"heartbeat","payload":7}',
    "[" * 5000,
    LONE,
    WRONG,
    BIG % ("x" * 20_000_000),
]
BYTES = [b"\xff\xfe\x00binary", b'{"action":"publish"}', b"\x00"]


def feed(serve, record, tmp_path):
    """Record a desk that slips garbage in; stop when it has all been sent."""
    script = [{"at_frame": 5, "text": text} for text in TEXTS]
    script += [{"at_frame": 5, "base64": base64.b64encode(data).decode()} for data in BYTES]
    garbage = tmp_path / "garbage.jsonl"
    garbage.write_text("".join(json.dumps(line) + "\n" for line in script))
    desk = ("--speed", "60", "--chats-per-day", "4000", "--start", "2026-11-23T09:00:00Z")
    server = serve("serve", *desk, "--garbage", str(garbage))
    recorder = record(server.url)
    recorder.wait_for("event=connected")
    server.wait_until_sent(20_300_000)
    assert recorder.stop() == 0, recorder.lines

    assert not [line for line in recorder.lines if "disconnected" in line or "Traceback" in line]


def test_garbage_is_kept_counted_and_survived(serve, record, tmp_path, run, archive, read_rows):
    feed(serve, record, tmp_path)

    rows = read_rows(archive)
    unparsed = {row["payload"] for row in rows if row["kind"] == "unparsed"}
    others = {row["payload"] for row in rows if row["kind"] != "unparsed"}
    known = ("heartbeat", '"message":null')
    assert {text for text in TEXTS[:13] if not any(part in text for part in known)} <= unparsed
    assert {BYTES[1].decode(), BYTES[2].decode()} <= unparsed
    encoded = {row["payload"]: row["encoding"] for row in rows if row["encoding"]}
    assert encoded == {base64.b64encode(BYTES[0]).decode(): "base64"}
    assert "null" in others
    assert any(len(payload) == 20_000_002 for payload in others)

    (message,) = [row for row in rows if row["entity_id"] == "m1"]
    assert (message["kind"], message["sender"]) == ("message", "v1")
    assert message["payload"] == '{"_id":"m1","sender":"v1","text":"cut \\ud83d off"}'

    (wrong,) = [row for row in rows if row["mistyped"]]
    assert wrong["payload"] == WRONG[WRONG.index('{"_id"') : -2]
    assert set(wrong["mistyped"]) >= {"status", "created_at", "participants", "rating"}
    assert wrong["status"] is None

    assert run("archiver", "verify", "--archive", archive).returncode == 0
    status = json.loads(run("archiver", "status", "--archive", archive, "--format", "json").stdout)
    (unknown,) = [day for day in status["days"] if day["project_id"] == "_unknown"]
    assert unknown["rows"] == len([row for row in rows if row["project_id"] == "_unknown"]) >= 14
    quality = run("analytics", "metric", "data_quality", "--archive", archive, "--format", "json")
    assert quality.returncode == 0, quality.stderr
