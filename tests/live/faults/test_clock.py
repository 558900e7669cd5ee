"""Clocks that jump, in this process: a session over a real journal, with the clock given.

The steady timer goes on; the wall clock is what jumps.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from archiver.recording import Policy, Recording
from archiver.verify import faults

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
FEED = f"/{PROJECT}/requests"
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * SECOND


def spell(message, method):
    payload = {"topic": FEED, "method": method, "message": message}
    return json.dumps({"action": "publish", "payload": payload}, separators=(",", ":"))


class Life:
    """A recording whose wall clock is set at will, and what was sent to it."""

    def __init__(self, archive, request):
        self.wall = NOON
        self.steady = 0
        self.sent = {}
        self._request = request
        self._number = 0
        self.recording = Recording(
            archive, "main", [PROJECT], self._wall, self._steady, Policy(age=MINUTE)
        )

    def _wall(self):
        return self.wall

    def _steady(self):
        return self.steady

    def connect(self):
        self.session = self.recording.session()
        self.session.opened(self.wall)
        self._receive(spell([], "CREATE"))

    def lose(self):
        self.session.lost(self.wall, "cut")

    def work(self, seconds):
        """Receive something every second."""
        for _ in range(seconds):
            self.pass_time(1)
            self._number += 1
            self._receive(spell(self._request(self._number, self._number), "UPDATE"))
            self.session.tick(self.wall)
            self.session.outbox()

    def pass_time(self, seconds):
        self.wall += seconds * SECOND
        self.steady += seconds * SECOND

    def _receive(self, text):
        self.sent.setdefault(self.session.number, []).append(text)
        self.session.received(text.encode(), False, self.wall)

    def close(self):
        self.lose()
        self.recording.close(self.wall)


@pytest.fixture
def life(archive, desk_of):
    return Life(archive, desk_of[0])


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


JUMPS = [HOUR, -HOUR, DAY, -DAY, 3 * DAY, -40 * DAY, -40 * SECOND, -SECOND // 2]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumps_loses_nothing_and_claims_nothing(
    jump, life, archive, read_rows, gaps, sent_entities, kept_entities
):
    life.connect()
    life.work(90)
    life.wall += jump
    life.work(90)
    life.lose()
    life.pass_time(30)
    life.connect()
    life.work(90)
    rolled = len(life.recording.closed())
    life.close()

    rows = read_rows(archive)
    assert kept_entities(rows) == sent_entities(life.sent)
    assert list(faults(archive)) == []
    assert rolled >= 3
    facts = [json.loads(row["payload"]) for row in rows if row["kind"] == "control"]
    covered = [fact for fact in facts if fact["control"] == "covered"]
    assert all(fact["since"] < fact["until"] for fact in covered)
    closed = [gap for gap in gaps(rows) if gap["until"]]
    assert all(gap["since"] <= gap["until"] for gap in closed), closed
    assert {gap["why"] for gap in closed} == {"no sign of life", "cut"} - (
        {"no sign of life"} if jump < 0 else set()
    )
    assert not [
        (span, gap)
        for span in covered
        for gap in closed
        if span["since"] < gap["until"] and gap["since"] < span["until"]
    ]
    signs = sorted(row["received_at"].timestamp() for row in rows if row["source"] != "recorder")
    for piece in covered:
        since, until = map(seconds, (piece["since"], piece["until"]))
        heard = [since, *(sign for sign in signs if since < sign < until), until]
        assert all(after - before <= 30 for before, after in pairwise(heard))
