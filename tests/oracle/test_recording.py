"""The two metrics that are about the recording itself, held against the archive's own rows.

An oracle of the truth says nothing of them, but plain counting of what was received does.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from analytics import metrics, queries

FIRST, AFTER = date(2025, 10, 10), date(2025, 11, 10)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(month, ask):
    return ask(month, FIRST, AFTER)


@pytest.fixture(scope="module")
def opened(asked):
    with asked.ask() as one:
        yield one


@pytest.fixture(scope="module")
def received(month):
    """Return every row of the archive that is no note of the recorder's own.

    An empty snapshot has left a row without an entity.
    """
    names = [
        "kind",
        "entity_id",
        "received_at",
        "updated_at",
        "created_at",
        "is_snapshot",
        "source",
    ]
    names += ["available", "profile_status", "busy"]
    rows = []
    for part in month.root.glob("project_id=*/*/*.parquet"):
        rows += pq.ParquetFile(part).read(columns=names).to_pylist()
    return [row for row in rows if row["kind"] not in {"control", "gap"}]


def test_every_chat_and_message_of_the_truth_was_received_and_no_other(month, received):
    told = {row["entity_id"] for row in received if row["kind"] == "message"} - {None}
    true = {message.id for session in month.book.sessions for message in session.messages}
    assert told == true

    chats = {row["entity_id"] for row in received if row["kind"] == "request"} - {None}
    assert len(chats) == len(month.book.chats) + len(month.book.drafts)


def test_data_quality_counts_what_was_received(asked, opened, received):
    (told,) = metrics.run(opened, "data_quality").records()

    whole = asked.window.whole
    here = [row for row in received if whole.has(round(row["received_at"].timestamp() * 1000))]
    identities = [
        (row["kind"], row["entity_id"])
        + (() if row["kind"] == "message" else (row["updated_at"],))
        + ((row["available"], row["profile_status"], row["busy"]) if row["kind"] == "agent" else ())
        for row in here
        if row["entity_id"] is not None
    ]
    assert told["rows_count"] == len(here) > 10_000
    repeated = 1 - len(set(identities)) / len(identities)
    assert told["duplicate_ratio"] == pytest.approx(repeated, rel=1e-9)
    assert 0 < repeated < 0.3


def test_a_recording_on_the_desk_s_own_clock_is_never_late(opened):
    (told,) = metrics.run(opened, "data_quality").records()

    assert told["receive_lag_p50_s"] == 0
    assert abs(told["receive_lag_p95_s"]) < 0.1


def test_nothing_is_wrong_with_a_recording_without_a_gap(opened):
    (told,) = metrics.run(opened, "data_quality").records()

    blemishes = {
        "unparsed_count",
        "untrusted_count",
        "mistyped_count",
        "truncated_count",
        "refused_count",
        "unknown_sender_count",
        "closes_untold_count",
    }
    assert {name: told[name] for name in blemishes} == dict.fromkeys(blemishes, 0)
    assert [row for name in queries.CHECKS for row in metrics.check(opened, name).rows] == []


def test_every_second_of_the_month_is_covered(asked, opened):
    rows = metrics.run(opened, "coverage_by_day").records()

    assert {
        row["date"]: (row["elapsed_s"], row["covered_s"], row["coverage_ratio"]) for row in rows
    } == {
        one.date: ((one.until - one.since) / 1000, (one.until - one.since) / 1000, 1.0)
        for one in asked.window.periods
    }


def test_coverage_begins_and_ends_with_the_recording(month, ask):
    with ask(month, month.first, month.after).ask() as opened:
        ((since, until),) = opened.query("select since, until from coverage").rows

    start = datetime.combine(month.first, datetime.min.time(), UTC).replace(tzinfo=None)
    assert (since, until) == (start, month.now)
