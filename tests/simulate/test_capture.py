"""Recordings are read as they were made, and moved in time without another change."""

from __future__ import annotations

import gzip
import json

import pytest

from archiver.simulate import capture
from archiver.simulate.capture import CaptureUnreadable


def test_a_recording_is_its_connections_and_their_ends(captures):
    lives = capture.read(captures["server_restart"])

    assert [len(life.lines) for life in lives] == [65, 123]
    assert [life.is_dropped for life in lives] == [True, False]
    assert lives[0].ended < lives[1].opened


def test_heartbeats_are_not_played(captures):
    lines = [line for life in capture.read(captures["four_chats"]) for line in life.lines]

    assert len(lines) == 50
    assert not [line for line in lines if "heartbeat" in line.text]
    assert sum(line.is_snapshot for line in lines) == 8


def test_topics_never_answered_were_refused(captures):
    assert capture.refused(capture.read(captures["owner_view"])) == set()

    refused = capture.refused(capture.read(captures["agent_view"]))
    assert len(refused) == 12
    assert all(topic.endswith("/messages") for topic in refused)


def test_every_time_moves_and_nothing_else():
    text = '{"a":"2026-12-31T23:59:59.999Z","b":"2026-12-31T23:59:59Z","c":1795457709.9}'

    assert capture.shifted(text, 1) == text.replace(
        "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"
    )
    assert capture.shifted(text, 0) == text


def test_a_frame_that_is_not_json_has_no_topic(tmp_path):
    path = tmp_path / "odd.jsonl"
    entries = [
        {"t": 1.0, "conn": 1, "dir": "event", "op": "open", "data": ""},
        {"t": 1.5, "conn": 1, "dir": "in", "op": "text", "data": "not {JSON"},
        {"t": 2.0, "conn": 1, "dir": "event", "op": "end", "data": ""},
    ]
    path.write_text("\n".join(map(json.dumps, entries)), "utf-8")

    (life,) = capture.read(path)

    assert [(line.text, line.topic) for line in life.lines] == [("not {JSON", None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: holds no frames; name a *.frames.jsonl.gz file"),
        (b'{"a":1}\n', "{path}:1: not a line of recorded frames"),
        (b'{"t":1,"dir":"in","op":"text","data":"{}"}', "{path}:1: not a line of recorded frames"),
    ],
)
def test_what_is_no_recording_is_told(tmp_path, content, message):
    path = tmp_path / "odd.jsonl.gz"
    path.write_bytes(gzip.compress(content, mtime=0))

    with pytest.raises(CaptureUnreadable) as raised:
        capture.read(path)

    assert str(raised.value) == message.format(path=path)


@pytest.mark.parametrize("content", [b"PK\x03\x04", gzip.compress(b"x" * 100, mtime=0)[:-5]])
def test_a_damaged_file_is_told(tmp_path, content):
    path = tmp_path / "odd.jsonl.gz"
    path.write_bytes(content)

    with pytest.raises(CaptureUnreadable, match="not readable as JSON lines"):
        capture.read(path)
