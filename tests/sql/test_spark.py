"""Asks a Spark server as the commands do, and one that is not there, or not as it should be."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import closing
from datetime import date, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from analytics import metrics, queries, spark
from analytics.archive import Archive, connect
from analytics.cli import cli
from analytics.duck import Duck
from analytics.errors import EngineUnusable
from analytics.folder import Folder, Segment
from analytics.spark import Spark
from analytics.window import choose
from archiver import contract

DAY = date(2026, 3, 3)
WINDOW = choose(DAY, date(2026, 3, 4), "UTC", datetime(2026, 4, 4))
SOME = "chats_offered,first_response_human,agent_availability"
REMOTE = ("--engine", "spark", "--spark-remote")


@pytest.fixture
def ask(recorded):
    """Run `analytics` on the recorded desk; bugs are raised."""

    def call(command, *arguments, **environment):
        return CliRunner(catch_exceptions=False).invoke(
            cli, [command[0], "--archive", str(recorded), *command[1:], *arguments], env=environment
        )

    return call


@pytest.fixture
def nobody():
    """Return the URL of a port at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"sc://127.0.0.1:{port}"


@pytest.fixture
def website():
    """Serve pages; return the URL of what takes it for a Spark server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"sc://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def same(one, other):
    """Compare what JSON holds; sums of doubles differ in the last digits by their order."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4)  # Sail rounds percentiles
    return one == other


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("metric", "chats_offered", "--date", "2026-03-03", "--by", "hour"),
        ("metric", "queue_time", "--date", "2026-03-03", "--by", "department", "--chats"),
        ("report", "--date", "2026-03-04", "--look-ahead", "0"),
        ("report", "--date", "2026-03-03", "--as-of", "2026-03-03T15:00", "--metrics", SOME),
        ("capacity", "--since", "2026-03-02", "--until", "2026-03-05", "--weeks", "1"),
    ],
)
def test_a_command_says_the_same_by_spark(ask, sail, command):
    duck = ask(command, "--format", "json")
    told = ask(command, "--format", "json", *REMOTE, sail)

    assert duck.exit_code == told.exit_code == 0, told.output
    assert same(json.loads(told.stdout), json.loads(duck.stdout))


def asked(engine, project_id, *sources):
    """Return what an engine makes of parts, of the journal's segments, of some days."""
    facts = queries.facts_for(["chats_offered"])
    with closing(Archive(engine, project_id, WINDOW, facts=facts)) as archive:
        archive.tell()
        archive.read(*sources)
        count = archive.query("select count(*) from events").rows
        return count, metrics.run(archive, "chats_offered").rows


def test_what_is_not_sealed_is_sent_and_what_was_sealed_meanwhile_is_read_once(recorded, sail):
    folder = Folder(recorded)
    project_id = folder.project(None)
    days = folder.days(project_id)
    parts = folder.parts(project_id, days)
    rows = pq.ParquetFile(parts[1]).read()
    rows = rows.append_column("date", rows["received_at"].cast(pa.date32()))
    rows = rows.append_column("project_id", pa.array([project_id] * len(rows)))
    recorder, _, number = parts[1].stem.rpartition("-")
    segments = [Segment(recorder, int(number), rows)]

    expected = asked(Duck(), project_id, parts, [], days)

    assert asked(Spark(sail), project_id, [parts[0], *parts[2:]], segments, days) == expected
    assert asked(Spark(sail), project_id, parts, segments, days) == expected
    assert asked(Spark(sail), project_id, [parts[0], *parts[2:]], [], days) != expected


def test_times_are_plain_utc_and_types_as_duckdb_spells_them(recorded, sail):
    with connect(
        Folder(recorded), Folder(recorded).project(None), WINDOW, start=partial(Spark, sail)
    ) as one:
        table = one.query("select received_at, date, project_id, seq, rating from events limit 1")
        (nested,) = one.arrow("select abandoned_by from events limit 1").schema.types

    assert table.types == ("TIMESTAMP", "DATE", "VARCHAR", "BIGINT", "DOUBLE")
    assert table.rows[0][0].tzinfo is None
    assert nested.value_type.field("left_at").type == pa.timestamp("us")


def test_a_program_without_a_file_may_ask(sail):
    program = "import sys; from analytics.spark import Spark; Spark(sys.argv[1]).close()"

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, sail],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_export_is_the_same_file(recorded, sail, tmp_path):
    counts = set()
    for name, start in (("duck", Duck), ("spark", partial(Spark, sail))):
        with connect(Folder(recorded), Folder(recorded).project(None), WINDOW, start=start) as one:
            counts.add(one.copy("agent_status", tmp_path / f"{name}.csv", "csv"))

    assert len(counts) == 1
    assert (tmp_path / "spark.csv").read_text() == (tmp_path / "duck.csv").read_text()


def test_what_is_saved_is_read_as_it_was(sail, tmp_path):
    """The first file has no null, which DuckDB writes down; the other has."""
    sql = "select timestamp '2026-03-02 09:00:00' as t, 1 as n where true union all "
    first, second = tmp_path / "first.facts", tmp_path / "second.facts"
    with closing(Duck()) as duck, closing(Spark(sail)) as engine:
        assert duck.save(f"{sql} select timestamp '2026-03-03 09:00:00', 2", first) == 2
        assert engine.save(f"{sql} select cast(null as timestamp), 3", second) == 2
        told = []
        for one in (duck, engine):
            one.files("saved", [first, second])
            assert one.columns("saved") == ("t", "n")
            told.append(one.table("select t, n from saved where t is null or n = 2 order by n"))

    assert not pq.read_schema(first).field("t").nullable
    assert pq.read_schema(first).types == pq.read_schema(second).types
    assert told[0] == told[1]
    assert told[0].rows == [(datetime(2026, 3, 3, 9), 2), (None, 3)]


def test_a_list_of_nothing_is_empty(sail):
    sql = "select collect_list(x) as xs from (select cast(null as bigint) as x) as told"
    with closing(Duck()) as duck, closing(Spark(sail)) as engine:
        assert duck.table(sql).rows == engine.table(sql).rows == [([],)]


def test_too_much_that_is_not_sealed_is_not_sent(sail):
    rows = pa.table({"payload": ["x" * (spark.MOST_UNSEALED + 1)]})

    with closing(Spark(sail)) as engine, pytest.raises(EngineUnusable) as refused:
        engine.take("journal", rows)

    assert str(refused.value) == (
        "journal: 64 MB that no part has yet, and at most 64 MB are sent to Spark; wait until they"
        " are sealed, or ask without --engine spark"
    )


def test_an_archive_that_the_server_does_not_see_is_named(recorded, sail, tmp_path):
    """A path that leads the client to the archive, and the server, in another folder, nowhere."""
    shutil.copytree(recorded, tmp_path / "archive")
    analytics = Path(sys.executable).parent / "analytics"
    command = [analytics, "metric", "chats_offered", "--date", DAY.isoformat(), *REMOTE, sail]

    done = subprocess.run(
        [*command, "--archive", "/proc/self/cwd/archive"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    count = sum(pq.read_metadata(part).num_rows for part in recorded.glob(contract.parts_glob()))
    assert done.stderr == (
        f"Error: {sail}: sees 0 of {count} rows in file:///proc/self/cwd/archive; it reads the"
        " files itself: put the folder where the server has it by the same name\n"
    )


def test_spark_without_a_server_is_a_usage_error(ask):
    done = ask(("metric", "chats_offered"), "--engine", "spark", SPARK_REMOTE="")

    assert done.exit_code == 2
    assert "--engine spark asks a server; name it with --spark-remote" in done.stderr


def test_nobody_there_is_one_line_and_no_token(ask, nobody):
    done = ask(
        ("metric", "chats_offered", "--date", "2026-03-03"),
        "--engine",
        "spark",
        SPARK_REMOTE=f"{nobody}/;token=swordfish",
    )

    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: {nobody}: no server answers (Connection refused); start one, or name another"
        " with --spark-remote\n"
    )


def test_what_speaks_another_language_is_one_line(monkeypatch, website):
    monkeypatch.setattr(spark, "RETRIES", 0)

    with pytest.raises(EngineUnusable) as refused:
        Spark(f"{website}/;token=swordfish")

    assert str(refused.value).startswith(f"{website}: ")
    assert "swordfish" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://a:15002", "sc://", "a:15002", "sc://a:b"])
def test_what_is_no_url_of_a_server_is_refused_unseen(url):
    with pytest.raises(EngineUnusable) as refused:
        Spark(f"{url}/;token=swordfish")

    assert str(refused.value) == (
        "--spark-remote: no URL of a Spark Connect server; write sc://host:15002"
    )


def test_a_token_that_the_server_repeats_is_hidden(sail):
    with (
        closing(Spark(f"{sail}/;x-token=swordfish")) as engine,
        pytest.raises(EngineUnusable) as refused,
    ):
        engine.table("select swordfish")

    assert "swordfish" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_server_of_another_version_is_named():
    with pytest.raises(EngineUnusable) as refused:
        spark._hold("sc://a:15002", "3.5.1")

    assert str(refused.value).startswith("sc://a:15002: Spark 3.5.1, but the client is of 4.")
    spark._hold("sc://a:15002", "4.0.0")


def test_who_has_not_installed_the_client_is_told_how(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)

    with pytest.raises(EngineUnusable) as refused:
        Spark("sc://127.0.0.1")

    assert str(refused.value) == (
        "spark: its client is not installed; install it: pip install 'tiledesk-archive[spark]'"
    )
