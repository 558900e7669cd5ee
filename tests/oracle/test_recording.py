"""The two metrics that are about the recording itself, held against the archive's own rows.

An oracle of the truth says nothing of them, but plain counting of what was received does.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest

from analytics import metrics, queries

FIRST, AFTER = date(2025, 10, 22), date(2025, 10, 29)
EVERYTHING = (None, None)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(week):
    with week.open(FIRST, AFTER, EVERYTHING) as one:
        yield one


@pytest.fixture(scope="module")
def received(week):
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
    for part in week.root.glob("project_id=*/*/*.parquet"):
        rows += pq.ParquetFile(part).read(columns=names).to_pylist()
    return [row for row in rows if row["kind"] not in {"control", "gap"}]


def in_window(week, at):
    return week.window(FIRST, AFTER).whole.has(round(at.timestamp() * 1000))


def test_every_chat_and_message_of_the_truth_was_received_and_no_other(week, received):
    told = {row["entity_id"] for row in received if row["kind"] == "message"} - {None}
    true = {message.id for session in week.book.sessions for message in session.messages}
    assert told == true

    chats = {row["entity_id"] for row in received if row["kind"] == "request"} - {None}
    assert len(chats) == len(week.book.chats) + len(week.book.drafts)


def test_data_quality_counts_what_was_received(week, opened, received):
    (told,) = metrics.run(opened, "data_quality").records()

    here = [row for row in received if in_window(week, row["received_at"])]
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


def test_every_second_of_the_week_is_covered(week, opened):
    rows = metrics.run(opened, "coverage_by_day").records()

    periods = week.window(FIRST, AFTER).periods
    assert {
        row["date"]: (row["elapsed_s"], row["covered_s"], row["coverage_ratio"]) for row in rows
    } == {
        one.date: ((one.until - one.since) / 1000, (one.until - one.since) / 1000, 1.0)
        for one in periods
    }


def test_coverage_begins_and_ends_with_the_recording(week):
    with week.open(week.first, week.after, EVERYTHING) as opened:
        ((since, until),) = opened.query("select since, until from coverage").rows

    start = datetime.combine(week.first, datetime.min.time(), UTC).replace(tzinfo=None)
    assert (since, until) == (start, week.now)
