"""`archiver simulate history`: what the desk's server published is in the archive, day by day."""

from __future__ import annotations

import json
from itertools import pairwise

import duckdb
import pytest

from archiver.simulate import history
from archiver.simulate.history import GapsWrong, Plan, Span
from archiver.simulate.settings import PROJECT_ID, DeskSettings
from archiver.simulate.timeline import DAY, HOUR, from_iso

pytestmark = pytest.mark.slow
SINCE = from_iso("2026-11-03T00:00:00Z")
UNTIL = SINCE + 2 * DAY
GAP = Span(SINCE + 10 * HOUR, SINCE + 11 * HOUR)


def recorded(folder, gaps=(), days=2):
    """Record days of a desk; return the archive as rows, and the truth."""
    truth = folder / "truth.jsonl"
    plan = Plan(folder / "archive", Span(SINCE, SINCE + days * DAY), gaps, truth=truth)
    turned = []
    history.record_history(DeskSettings(), plan, lambda: turned.append(None))
    assert len(turned) == days
    with duckdb.connect() as database:
        database.execute("set TimeZone = 'UTC'")
        rows = database.execute(
            "select kind, entity_id, payload, epoch_ms(received_at) as at, date, filename"
            " from read_parquet(?, hive_types = {'date': varchar}, filename = true)",
            [str(folder / "archive" / "project_id=*" / "*" / "*.parquet")],
        ).fetchall()
    facts = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    return rows, facts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("broken"), (GAP,), days=1)


def test_everything_published_is_in_the_archive(whole):
    rows, facts = whole
    chats = {
        fact["request_id"]: fact
        for fact in facts
        if fact["kind"] == "chat" and fact["published_at"]
    }
    closed = {f["request_id"]: f["closed_at"] for f in facts if f["kind"] == "document"}
    messages = {
        fact["id"]
        for fact in facts
        if fact["kind"] == "message"
        and (chat := chats.get(fact["request_id"]))
        and is_followed(fact, chat, closed[fact["request_id"]])
    }

    # An empty snapshot leaves a row without an entity.
    assert {row[1] for row in rows if row[0] == "request" and row[1]} == {
        chat["id"] for chat in chats.values()
    }
    assert messages <= {row[1] for row in rows if row[0] == "message"}
    assert len(messages) > 3000


def is_followed(message, chat, closed_at):
    """Tell whether a recorder follows a chat when something is said in it: not long after."""
    is_late = closed_at and from_iso(message["created_at"]) > from_iso(closed_at) + 60_000
    return not chat["draft"] and not is_late


def test_a_day_is_received_on_its_day_in_one_part(whole):
    rows, _ = whole
    received = [row for row in rows if row[0] not in ("control", "gap")]
    for _, _, _, at, date, _ in received:
        assert 0 <= at - from_iso(f"{date}T00:00:00Z") < DAY
    parts = {(date, part) for *_, date, part in received}

    assert sorted(date for date, _ in parts) == ["2026-11-03", "2026-11-04", "2026-11-05"]


def test_the_last_day_is_covered_to_its_end(whole):
    rows, _ = whole
    covered = [json.loads(row[2]) for row in rows if '"covered"' in row[2]]
    edges = sorted((from_iso(one["since"]), from_iso(one["until"])) for one in covered)

    assert edges[0][0] == SINCE
    assert edges[-1][1] == UNTIL
    assert all(before[1] == after[0] for before, after in pairwise(edges))


def test_a_gap_is_silent_and_told(broken):
    rows, facts = broken
    received = [row[3] for row in rows if row[0] not in ("control", "gap")]
    gaps = [json.loads(row[2]) for row in rows if row[0] == "gap"]

    assert not [at for at in received if GAP.since < at < GAP.until]
    assert any(
        from_iso(gap["since"]) <= GAP.since and gap["until"] and from_iso(gap["until"]) >= GAP.until
        for gap in gaps
    )
    assert [f for f in facts if f["kind"] == "message" and inside(from_iso(f["created_at"]))]


def inside(at):
    return GAP.since < at < GAP.until


@pytest.mark.parametrize(
    "gaps",
    [
        (Span(SINCE - HOUR, SINCE + HOUR),),
        (Span(SINCE + HOUR, SINCE + HOUR),),
        (Span(SINCE, SINCE + 2 * HOUR), Span(SINCE + HOUR, SINCE + 3 * HOUR)),
    ],
)
def test_gaps_that_cannot_be_are_refused_before_anything_is_made(tmp_path, gaps):
    plan = Plan(tmp_path / "archive", Span(SINCE, UNTIL), gaps)

    with pytest.raises(GapsWrong, match=r"^gap .*: ends before it begins, overlaps another,"):
        history.record_history(DeskSettings(), plan)
    assert not (tmp_path / "archive").exists()


def test_the_command_records_and_says_nothing(simulated, tmp_path):
    archive = tmp_path / "archive"
    arguments = ("--archive", archive, "--days", 1, "--until", "2026-11-03", "--chats-per-day", 20)
    with simulated("history", *arguments) as (process, first_line):
        _, errors = process.communicate(timeout=60)

    assert (first_line, errors, process.returncode) == ("", "", 0)
    assert list((archive / f"project_id={PROJECT_ID}" / "date=2026-11-02").glob("*.parquet"))


def test_a_gap_without_an_end_is_wrong_use(simulated, tmp_path):
    arguments = ("--archive", tmp_path / "archive", "--days", 1, "--gap", "2026-11-02T10:00:00Z")
    with simulated("history", *arguments) as (process, _):
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert errors.splitlines()[-1] == (
        "Error: Invalid value for '--gap': give START/END, two ISO-8601 times"
    )
