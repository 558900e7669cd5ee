"""Following an archive that grows: nothing is missed, nothing is read twice, no text is kept."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from analytics.archive import utc_now
from analytics.config import Config
from analytics.dashboard.follow import Journal, News, Parts
from analytics.dashboard.live import Live
from archiver import contract
from archiver.compact import Compaction, Job
from archiver.extract import Row
from archiver.place import LocalPartition
from archiver.recording import Recording
from archiver.unsealed import partitioned

PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"
TOLD = {"topic": f"/{PROJECT}/requests", "method": "UPDATE", "message": {"_id": "a"}}
FRAME = json.dumps({"action": "publish", "payload": TOLD}).encode()
KEY = ["recorder", "seq", "element"]


def keys(live):
    return sorted(live._connection.execute("select recorder, seq, element from kept").fetchall())


@pytest.mark.slow
def test_what_is_journalled_and_sealed_meanwhile_is_there_once(desk, record, archive, stop):
    url, _ = desk
    recorder = record(url, "--roll-seconds", "1")
    journal, parts = Journal(archive), Parts(archive, PROJECT)
    live = Live(PROJECT, Config().desk(PROJECT, {}), utc_now())

    read = []

    def follow():
        news = journal.read().of(PROJECT)
        read.extend(news.rows.column("seq").to_pylist())
        for rows in [news.rows, *parts.read(live.days())]:
            live.take(rows)
        live.vouch(news.covered)

    deadline = time.monotonic() + 60
    while len(list(archive.glob(contract.parts_glob()))) < 3:
        assert time.monotonic() < deadline
        follow()
    assert live.ask(utc_now()).gauges["covered_until"] is not None
    assert stop(recorder, signal.SIGTERM) == 0
    follow()

    sealed = [
        tuple(row.values())
        for path in archive.glob(contract.parts_glob(PROJECT))
        for row in pq.ParquetFile(path).read(columns=KEY).to_pylist()
    ]
    assert keys(live) == sorted(sealed)
    assert 0 < len(read) <= len(sealed)
    kinds = live._connection.execute("select distinct kind from kept where payload is not null")
    assert {kind for (kind,) in kinds.fetchall()} <= {"control", "gap"}
    live.close()


def test_a_journal_of_many_projects_is_told_apart():
    rows = partitioned([Row(project, "event", 0, b"{}") for project in ("one", "two")])
    news = News(rows, rows[:1])

    assert news.of("two") == News(rows[1:], rows[:0])
    assert news.of("three") == News(rows[:0], rows[:0])


def test_what_was_read_is_not_read_again_when_it_is_compacted(tmp_path):
    day, now = date(2026, 3, 3), round(datetime(2026, 3, 3, 9, tzinfo=UTC).timestamp() * 1e6)
    recording = Recording(tmp_path, "main", [PROJECT], clock=lambda: now)
    early, late, last = (Parts(tmp_path, PROJECT) for _ in range(3))

    def seal():
        recording.keep([FRAME], now, 0)
        recording.roll(now)
        recording.seal()

    def compact():
        folder = contract.partition(tmp_path, PROJECT, day)
        Compaction(LocalPartition(folder), Job(lambda: now, 0)).run()

    def read(*followers):
        return [sum(map(len, parts.read([day]))) for parts in followers]

    seal()
    assert read(early) == [1]
    seal()
    assert read(early) == [1]
    compact()
    assert read(early, late) == [0, 2]
    seal()
    assert read(early, late) == [1, 1]
    compact()
    assert read(early, late, last) == [0, 0, 3]
    recording.close(now)
