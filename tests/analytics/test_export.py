"""Rows to take along: what a file holds, against what really happened; whole, private, wordless."""

from __future__ import annotations

import csv
import io
import json
import resource
import stat
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics import archive, queries
from analytics.folder import Folder
from analytics.window import choose

DAYS = ("--since", "2026-03-02", "--until", "2026-03-05")


@pytest.fixture
def exported(desk, ask, tmp_path):
    """Return the rows of a Parquet file that an export wrote."""

    def call(what, *options):
        file = tmp_path / f"{what}.parquet"
        chosen = options or DAYS
        done = ask("export", what, "--archive", desk.root, *chosen, "--output", file)
        assert (done.exit_code, done.stdout) == (0, ""), done.output
        rows = pq.read_table(file).to_pylist()
        assert done.stderr.splitlines()[-1] == f"{file}: {len(rows)} rows"
        return rows

    return call


def moment(text):
    return None if text is None else datetime.fromisoformat(text)


def visible(desk):
    return {
        chat["request_id"]
        for chat in desk.truth["chat"]
        if chat["published_at"] and not chat["draft"]
    }


def test_sessions_are_those_that_there_were(desk, exported):
    rows = exported("sessions")

    keys = ("conversation_id", "session_no", "opened_at", "closed_at", "closed_by")
    counted = visible(desk)
    true = [
        (
            one["request_id"],
            one["n"],
            moment(one["opened_at"]),
            moment(one["closed_at"]),
            one["closed_by"],
        )
        for one in desk.truth["session"]
        if one["request_id"] in counted
    ]
    assert len(true) > 100
    assert sorted((tuple(row[key] for key in keys) for row in rows), key=str) == sorted(
        true, key=str
    )
    for row in rows:
        if row["closed_at"] is not None:
            spent = (row["closed_at"] - row["opened_at"]).total_seconds()
            assert row["duration_s"] == pytest.approx(spent)


def test_messages_are_those_that_there_were_without_their_words(desk, exported):
    rows = exported("messages")

    counted = visible(desk)
    true = {
        one["id"]: (one["request_id"], one["session"], one["sender"], one["role"])
        for one in desk.truth["message"]
        if one["request_id"] in counted
    }
    assert {
        row["message_id"]: (
            row["conversation_id"],
            row["session_no"],
            row["sender_id"],
            row["sender_role"],
        )
        for row in rows
    } == true


def test_exports_agree_with_the_metrics(desk, ask, exported):
    def told(name):
        done = ask("metric", name, "--archive", desk.root, *DAYS, "--format", "json")
        return json.loads(done.stdout)

    sessions, messages = exported("sessions"), exported("messages")
    assignments = exported("assignments")

    answered = told("first_response_human")[-1]
    spent = [row["first_response_s"] for row in sessions if row["first_response_s"] is not None]
    assert len(spent) == answered["answered_count"]
    assert sum(spent) / len(spent) == pytest.approx(answered["mean_s"])

    offered = {row["date"]: row["sessions_count"] for row in told("chats_offered") if row["date"]}
    assert Counter(row["date"].isoformat() for row in sessions) == offered

    written = {row["sender_role"]: row["messages_count"] for row in told("messages_by_role")[-4:]}
    counted = Counter(row["sender_role"] for row in messages if row["is_counted"])
    assert counted["agent"] == written["agent"] > 50
    summed = sum(row["agent_messages_count"] for row in sessions)
    assert summed == counted["agent"]

    handled = [row["elapsed_s"] for row in assignments if row["elapsed_s"] is not None]
    ended = [row for row in told("agent_handle_time") if row["date"] is None]
    assert sum(row["handled_count"] for row in ended) == len(handled)


def test_agents_states_are_those_that_overlap_the_window(desk, exported):
    rows = exported("agent_status", "--date", "2026-03-03")

    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    true = {
        (one["agent_id"], moment(one["since"]), one["available"])
        for one in desk.truth["availability"]
        if one["since"].startswith("2026-03-03")
    }
    assert len(true) > 10
    assert true == {
        (row["agent_id"], row["started_at"], row["is_available"])
        for row in rows
        if row["started_at"] >= midnight
    }
    assert any(row["started_at"] < midnight for row in rows)
    assert all(row["ended_at"] is None or row["ended_at"] > midnight for row in rows)


def test_times_are_in_utc_and_say_so(desk, ask, tmp_path):
    plain, typed = tmp_path / "a.csv", tmp_path / "a.parquet"
    for form, file in (("csv", plain), ("parquet", typed)):
        ask("export", "sessions", "--archive", desk.root, *DAYS, "--format", form, "--output", file)

    schema = pq.read_schema(typed)
    assert schema.field("opened_at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("tags").type.value_type == pa.string()
    rows = list(csv.DictReader(io.StringIO(plain.read_text("utf-8"))))
    first = pq.read_table(typed).to_pylist()[0]
    assert list(rows[0]) == schema.names
    assert moment(rows[0]["opened_at"]) == first["opened_at"]
    assert rows[0]["opened_at"].endswith("Z")
    assert rows[0]["rating"] == ("" if first["rating"] is None else str(first["rating"]))


def test_as_of_an_instant_later_closes_are_not_there(exported):
    rows = exported("sessions", "--date", "2026-03-03", "--as-of", "2026-03-03T12:00")

    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert rows
    assert all(row["closed_at"] is None or row["closed_at"] < noon for row in rows)


def test_a_file_is_private_and_nothing_is_left_beside_it(desk, ask, tmp_path):
    file = tmp_path / "sessions.parquet"
    file.write_text("an older one")
    file.chmod(0o644)

    ask("export", "sessions", "--archive", desk.root, *DAYS, "--output", file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    assert pq.read_table(file).num_rows > 100


def test_a_disk_that_is_full_leaves_the_older_file(desk, ask, tmp_path):
    file = tmp_path / "messages.csv"
    file.write_text("an older one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        done = ask(
            "export",
            "messages",
            "--archive",
            desk.root,
            *DAYS,
            "--format",
            "csv",
            "--output",
            file,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {file}: cannot write it (")
    assert done.stderr.count("\n") == 1
    assert file.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there(desk, ask, tmp_path):
    file = tmp_path / "none" / "sessions.parquet"

    done = ask("export", "sessions", "--archive", desk.root, *DAYS, "--output", file)

    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: {file}: cannot write it (No such file or directory)\n",
    )


def test_a_format_of_other_commands_in_the_configuration_is_not_the_export_s(desk, ask, tmp_path):
    config, file = tmp_path / "analytics.toml", tmp_path / "sessions.parquet"
    config.write_text('format = "json"\n')
    asked = ("--archive", desk.root, *DAYS, "--config", config, "--output", file)

    done = ask("export", "sessions", *asked, ANALYTICS_FORMAT="json")

    assert done.exit_code == 0
    assert pq.read_schema(file).names[0] == "project_id"


@pytest.mark.parametrize("name", queries.EXPORTS)
def test_an_export_documents_its_columns_in_order_and_holds_no_text(desk, name):
    folder = Folder(desk.root)
    window = choose(
        datetime(2026, 3, 3).date(), datetime(2026, 3, 4).date(), "UTC", archive.utc_now()
    )
    export = queries.load("exports", name)

    with archive.connect(folder, desk.project_id, window) as opened:
        columns = opened.query(export.sql).columns

    assert tuple(export.columns) == columns
    assert "payload" not in export.words
