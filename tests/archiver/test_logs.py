"""A line of the log: the same facts for people and for programs."""

from __future__ import annotations

import json
import logging

import pytest

from archiver.logs import JsonLines, KeyValue


def record(message, *arguments):
    made = logging.LogRecord("archiver", logging.WARNING, "x.py", 1, message, arguments, None)
    made.created = 1_795_435_200.25
    return made


@pytest.mark.parametrize(
    ("message", "arguments", "facts"),
    [
        ("connected connection=%d", (3,), {"event": "connected", "connection": 3}),
        (
            "disconnected connection=%d why=%r",
            (3, "closed by the server 1001"),
            {"event": "disconnected", "connection": 3, "why": "closed by the server 1001"},
        ),
        (
            "not_connected why=%r",
            ('it\'s "gone"\n',),
            {"event": "not_connected", "why": 'it\'s "gone"\n'},
        ),
        ("refused topic=%s", ("/p/requests",), {"event": "refused", "topic": "/p/requests"}),
        ("paused a disk is full", (), {"event": "paused", "text": "a disk is full"}),
        ("token_expires in_h=%.1f", (2.0,), {"event": "token_expires", "in_h": 2.0}),
        ("stopped", (), {"event": "stopped"}),
    ],
)
def test_a_line_of_json_holds_the_facts(message, arguments, facts):
    line = JsonLines().format(record(message, *arguments))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-23T12:00:00.250+00:00",
        "level": "WARNING",
        **facts,
    }


def test_a_line_for_people_is_key_and_value():
    line = KeyValue().format(record("connected connection=%d", 3))

    assert line.split(" ", 1)[1] == "level=WARNING event=connected connection=3"
