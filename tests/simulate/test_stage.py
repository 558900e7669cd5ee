"""Where a recording is played: which answers are recorded ones and which are our own."""

from __future__ import annotations

import json

import pytest

from archiver.simulate import capture
from archiver.simulate.hub import newest_open
from archiver.simulate.stage import Played, Stage

ROOT = "/6b047ee8ddd2e63c67172e40"
ANNA = f"{ROOT}/project_users/users/6b047ee7ddd2e63c67172e33"


@pytest.fixture
def lines(captures):
    (life,) = capture.read(captures["four_chats"])
    return life.lines


@pytest.fixture
def stage(lines):
    stage = Stage(set())
    stage.begin(lines)
    return stage


def play(stage, lines):
    for line in lines:
        stage.look_ahead(line.at)
        stage.play(line, line.text)


def answer(connection, subscription, topic):
    frames = connection.receive(subscription(topic))
    return json.loads(frames[-1])["payload"] if frames else None


def test_a_recorded_snapshot_that_is_near_is_waited_for(stage, lines, subscription):
    client = stage.connect(0)
    stage.look_ahead(lines[0].at)

    assert client.receive(subscription(f"{ROOT}/requests")) == []
    assert not stage.awaits(lines[0])
    assert stage.play(lines[0], lines[0].text)
    assert client.take() == [lines[0].text]


def test_a_recorded_snapshot_is_kept_for_who_comes_a_little_late(stage, lines, subscription):
    client = stage.connect(0)

    assert stage.awaits(lines[0])
    assert not stage.play(lines[0], lines[0].text)
    assert client.receive(subscription(f"{ROOT}/requests")) == [lines[0].text]


def test_an_old_snapshot_is_not_given_once_something_has_happened(stage, lines, subscription):
    play(stage, lines)

    anna = answer(stage.connect(0), subscription, ANNA)

    assert anna["method"] == "CREATE"
    assert anna["message"]["id_user"] == ANNA.rsplit("/", 1)[1]
    assert anna["message"]["updatedAt"] == max(
        json.loads(line.text)["payload"]["message"]["updatedAt"]
        for line in lines
        if line.topic == ANNA
    )


def test_what_nobody_recorded_is_answered_from_what_was_played(stage, lines, subscription):
    play(stage, lines)
    client = stage.connect(0)
    (request_id, *_) = {
        line.topic.split("/")[3] for line in lines if line.topic.endswith("/messages")
    }
    single = f"{ROOT}/requests/{request_id}"
    sent = {
        json.loads(line.text)["payload"]["message"]["_id"]
        for line in lines
        if line.topic == f"{single}/messages" and not line.is_snapshot
    }

    assert answer(client, subscription, f"{ROOT}/requests")["message"] == []
    request = answer(client, subscription, single)["message"]
    assert request["status"] == 1000
    assert request["closed_at"]
    assert request["id"] == request["_id"]
    assert request["lead"]["lead_id"]
    messages = answer(client, subscription, f"{single}/messages")["message"]
    assert sent <= {message["_id"] for message in messages}
    assert [m["createdAt"] for m in messages] == sorted(m["createdAt"] for m in messages)
    assert not any("request" in message for message in messages)


def test_open_requests_are_shown_as_rows(stage, lines, subscription):
    play(stage, [line for line in lines if '"status":1000' not in line.text])

    rows = answer(stage.connect(0), subscription, f"{ROOT}/requests")["message"]

    assert rows
    assert rows == newest_open(rows)
    assert all(isinstance(row["lead"], str) for row in rows)
    assert all(row["snapshot"]["agents"] is not None for row in rows)


def test_what_was_refused_is_met_with_silence(lines, subscription):
    stage = Stage({ANNA})
    stage.begin(lines)
    play(stage, lines)

    assert answer(stage.connect(0), subscription, ANNA) is None


def test_a_topic_is_named_by_what_was_sent(stage, lines, subscription):
    first = next(line for line in lines if line.topic == f"{ROOT}/requests" and "_id" in line.text)
    request = json.loads(first.text)["payload"]["message"]
    topic = f"{ROOT}/requests/{request['request_id']}/messages"
    stage.connect(0).receive(subscription(f"{ROOT}/requests"))

    assert not stage.is_named(topic)
    play(stage, lines[: lines.index(first) + 1])
    assert stage.is_named(topic)
    assert stage.is_named(f"{ROOT}/project_users/users/{request['participants'][0]}")


def test_an_older_document_does_not_replace_a_newer_one():
    played = Played()
    new = {"_id": "r", "request_id": "R", "updatedAt": "2026-11-23T18:00:01.000Z", "status": 1000}
    played.learn(f"{ROOT}/requests", new)
    played.learn(f"{ROOT}/requests", new | {"updatedAt": "2026-11-23T18:00:00.000Z", "status": 200})

    assert played.request("R")["status"] == 1000
