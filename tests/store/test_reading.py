"""Reports on an archive in a bucket: the same answers, from few bytes, each row once."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

import analytics
import archiver.cli
from analytics.cli import cli
from archiver import fs, publish
from archiver.recording import Recording
from archiver.simulate.history import Plan, Span, record_history
from archiver.simulate.settings import DeskSettings
from archiver.simulate.timeline import DAY

DATE = "2026-03-03"
PROJECT = "65f0a1b2c3d4e5f601234567"
KEYS = {"id": "AKIATHEKEYTHATIS", "secret": "the-secret-of-the-store"}
SPARK = ("--engine", "spark", "--spark-remote")
SETTINGS = DeskSettings(chats_per_day=60)


@pytest.fixture(scope="session")
def folder(once):
    """A desk's three days, in a folder."""
    start = round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)

    def record(made):
        record_history(SETTINGS, Plan(made / "archive", Span(start, start + 3 * DAY)))

    return once("three-days-to-publish", record) / "archive"


def copy(folder, place, keep=lambda _path: True):
    """Put an archive's files where a recorder would publish them."""
    for path in sorted(folder.rglob("*")):
        key = path.relative_to(folder).as_posix()
        if path.is_file() and "_journal" not in key and keep(path):
            assert place.bucket.put_once(key, path.read_bytes())


def ask(*arguments):
    told = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert told.exit_code == 0, told.output
    return told.stdout


def rounded(text):
    """Return a text with its floats to twelve digits: a sum depends on its order in the last."""
    return re.sub(r"\d+\.\d{6,}", lambda found: f"{float(found[0]):.12g}", text)


def ask_archiver(*arguments):
    told = CliRunner().invoke(archiver.cli.cli, [str(one) for one in arguments])
    assert told.exit_code == 0, told.output
    return told.stdout


def test_facts_of_an_archive_there_are_kept_in_a_folder_here(folder, place, tmp_path):
    """They are built of what the bucket holds, and then of what was published later."""
    copy(folder, place, keep=lambda path: "date=2026-03-04" not in path.as_posix())
    facts = ("--archive", place.remote.url, "--facts", tmp_path / "facts")
    days = ("--since", "2026-02-27", "--until", "2026-03-08", "--no-compare", "--format", "json")
    names = ("--metrics", "chats_offered,response_time,agent_chats")

    assert "3 days with something new" in ask("build", *facts)
    copy(folder, place, keep=lambda path: "date=2026-03-04" in path.as_posix())
    assert "1 days with something new" in ask("build", *facts)
    told = ask("report", *facts, *days, *names)

    assert rounded(told) == rounded(ask("report", "--archive", folder, *days, *names))


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--date", DATE),
        ("report", "--date", DATE, "--format", "html", "--no-compare"),
        ("metric", "chats_offered", "--chats", "--date", DATE, "--format", "csv"),
    ],
    ids=" ".join,
)
def test_an_answer_is_the_same_byte_for_byte(folder, place, command):
    copy(folder, place)

    told = ask(*command, "--archive", place.remote.url)

    assert rounded(told) == rounded(ask(*command, "--archive", folder))


def test_each_part_is_read_once_and_no_other(folder, place):
    """A report asks dozens of times, of half a dozen windows."""
    copy(folder, place)
    place.proxy.asked.clear()

    ask("report", "--date", DATE, "--archive", place.remote.url)

    read = [one for one in place.proxy.asked if one.path.endswith(".parquet")]
    there = {path.name: path.stat().st_size for path in folder.rglob("*.parquet")}
    assert len({one.path for one in read}) == len(read) > 3
    assert sum(one.size for one in read) <= sum(there.values())


def alike(one, other):
    """Compare what JSON holds; Sail rounds percentiles."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return math.isclose(one, other, rel_tol=1e-4) if isinstance(one, float) else one == other


@pytest.mark.slow
def test_a_spark_server_reads_the_bucket_itself_and_says_the_same(folder, place, serve_sail):
    copy(folder, place)
    metrics = "chats_offered,first_response_human,agent_load"
    question = ("report", "--date", DATE, "--metrics", metrics, "--format", "json", "--archive")
    expected = json.loads(ask(*question, folder))

    told = json.loads(ask(*question, place.remote.url, *SPARK, serve_sail()))

    assert all(expected["metrics"].values())
    assert alike(told, expected)


@pytest.mark.slow
def test_a_spark_server_that_may_not_read_the_bucket_says_so(folder, place, serve_sail):
    copy(folder, place)
    sail = serve_sail(AWS_SECRET_ACCESS_KEY="another-secret")

    told = fail("report", "--date", DATE, "--archive", place.remote.url, *SPARK, sail)

    assert told.startswith(f"{sail}: ")
    assert "403" in told
    assert "another-secret" not in told


def test_a_store_that_refuses_footers_is_said_beside_a_spark_server(folder, place, serve_sail):
    copy(folder, place)
    place.proxy.meddle = lambda _, path: 403 if path.endswith(".parquet") else None

    told = fail("report", "--date", DATE, "--archive", place.remote.url, *SPARK, serve_sail())

    assert told == (
        f"{place.remote}: access denied; look at the credentials, and at what they may do"
    )


def counted(*arguments):
    """Return how many chats of a project were told of, and how many rows."""
    with analytics.open(*arguments, date="2026-11-23") as project:
        (row,) = project.sql(
            "select count(*) as rows, count(distinct entity_id) as chats from events"
            " where kind = 'request'"
        ).records()
    return row["rows"], row["chats"]


def test_a_spool_tells_what_is_not_published_each_row_once(place, spool):
    """Published, published and still here, sealed, sealed and still in the journal, and neither."""
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    spool.record()
    for _ in publish.publish(place.bucket, spool.root, "main"):
        pass
    spool.record(2)
    both = next(iter(spool.parts().items()))
    assert place.bucket.put_once(*both)
    recording = Recording(spool.root, "main", [PROJECT], clock=lambda: spool.now)
    spool.keep(recording)
    (segment,) = (spool.root / "_journal" / "main").glob("*.segment")
    kept = segment.read_bytes()
    recording.roll(spool.now)
    recording.seal()
    segment.write_bytes(kept)  # as a crash leaves it between sealing and removing
    spool.keep(recording)

    alone = counted(place.remote.url)
    together = counted(replace(place.remote, spool=spool.root))

    recording.close(spool.now)
    assert alone == (2, 2)
    assert together == (5, 5)


def test_a_compacted_day_tells_each_row_once(place, spool):
    """What was replaced is still there, until the grace is over."""
    spool.record(3)
    before = len(spool.parts())
    ask_archiver("compact", "--archive", spool.root, "--grace", "1h")
    assert len(spool.parts()) > before

    copy(spool.root, place)

    assert any(key.endswith("_manifest.json") for key in place.all_keys())
    assert counted(place.remote.url) == (3, 3)


def fail(*arguments):
    told = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert told.exit_code == 1
    assert told.stderr.count("\n") == 1
    assert not any(key in told.output for key in KEYS.values())
    return told.stderr.removeprefix("Error: ").strip()


def test_no_archive_there_is_said(place):
    assert fail("report", "--archive", place.remote.url) == (
        f"{place.remote}: no archive here; name the address given to 'archiver record'"
    )


def test_no_bucket_there_is_said(place):
    assert fail("report", "--archive", "s3://nowhere/x") == (
        "s3://nowhere/x: no such bucket; make it, or name another"
    )


def test_a_store_that_fails_while_parts_are_read_is_said(folder, place):
    copy(folder, place)
    place.proxy.meddle = lambda _, path: 403 if path.endswith(".parquet") else None

    told = fail("metric", "chats_offered", "--date", DATE, "--archive", place.remote.url)

    assert told == (
        f"{place.remote}: access denied; look at the credentials, and at what they may do"
    )


def test_the_extra_that_is_missing_is_said(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)

    assert "pip install 'tiledesk-archive[s3]'" in fail("report", "--archive", place.remote.url)


def test_a_spool_is_for_an_address():
    told = CliRunner().invoke(cli, ["report", "--archive", "x", "--spool", "y"])

    assert told.exit_code == 1
    assert "spool: is for an archive on object storage" in told.stderr
