"""A Spark server works out what is kept: it is what DuckDB keeps, and either goes on with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from growing import Growing, is_same, kept_of

from analytics.cli import cli
from analytics.facts import build
from analytics.spark import Spark

WHOLE = date(2026, 3, 2), date(2026, 3, 11)
REMOTE = ("--engine", "spark", "--spark-remote")


@pytest.fixture(scope="session")
def begun(whole, sail, once):
    """Have a Spark server keep what the first parts hold, in two batches."""

    def begin(root):
        one = Growing.beside(whole, root)
        one.add(one.left()[:6])
        assert one.build(start=partial(Spark, sail)).chats > 60

    return once("desk-with-facts-begun-on-spark", begin)


@pytest.mark.slow
def test_what_is_kept_is_the_same_whichever_engine_works_it_out(begun, growing):
    there = Growing(growing.source, begun)
    growing.add(growing.left()[:6])
    growing.build()

    told, expected = kept_of(there.store), kept_of(growing.store)

    assert len(there.store.state().batches) > 1
    assert told.keys() == expected.keys()
    assert there.store.state().days == growing.store.state().days
    wrong = [name for name in told if not is_same([*told[name]], [*expected[name]])]
    assert not wrong, {name: (told[name], expected[name]) for name in wrong[:3]}


@pytest.mark.slow
def test_one_engine_goes_on_where_the_other_ended(whole, begun, sail, tmp_path, monkeypatch):
    """Spark, then DuckDB, then Spark, which merges the small batches; then a part more."""
    monkeypatch.setattr(build, "FEW", 3)
    shutil.copytree(begun, tmp_path / "archive")
    one = Growing(whole, tmp_path / "archive")
    next_one, *parts, last = one.left()
    one.add([next_one])
    assert not one.build(at_a_time=1000).is_anew
    assert len(one.store.state().batches) == 3
    one.add(parts)

    done = CliRunner(catch_exceptions=False).invoke(
        cli, ["build", "--archive", str(one.root), *REMOTE, sail]
    )

    assert done.exit_code == 0
    assert "days with something new" in done.stdout
    assert "anew" not in done.stdout
    assert len(one.store.state().batches) == 1
    one.add([last])
    one.assert_same(WHOLE)


def test_facts_that_the_server_does_not_see_are_named(growing, sail, tmp_path):
    """A path that leads the client to them, and the server, in another folder, nowhere."""
    parts = growing.left()
    growing.add(parts[:2])
    growing.build()
    (tmp_path / "here").mkdir()
    shutil.move(growing.store.folder.parent, tmp_path / "here" / "facts")
    growing.add(parts[2:3])
    kept = tmp_path / "here" / "facts" / growing.project_id
    before = (kept / "state.json").read_bytes()
    analytics = Path(sys.executable).parent / "analytics"
    command = [analytics, "build", "--archive", growing.root, *REMOTE, sail]

    done = subprocess.run(
        [*command, "--facts", "/proc/self/cwd/facts"],
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (first,) = kept.glob("*1/aside.facts")
    count = pq.read_metadata(first).num_rows
    assert done.stderr == (
        f"Error: {sail}: sees 0 of {count} rows in"
        f" file:///proc/self/cwd/facts/{growing.project_id}; it reads the files itself: put the"
        " folder where the server has it by the same name\n"
    )
    assert (kept / "state.json").read_bytes() == before


def test_a_server_is_asked_without_facts(built, sail):
    """Facts that cannot be used are noted by who would have asked them."""
    (built.store.folder / "state.json").write_text("{}")
    ask = ["metric", "chats_offered", "--archive", str(built.root), "--format", "csv"]
    ask += ["--since", "2026-03-02", "--until", "2026-03-11"]

    here, there = (CliRunner().invoke(cli, [*ask, *more]) for more in ((), (*REMOTE, sail)))

    assert here.stderr.endswith("meanwhile all is worked out anew\n")
    assert (there.exit_code, there.stderr) == (0, "")
    assert there.stdout == here.stdout


def test_spark_without_a_server_is_a_usage_error(growing):
    done = CliRunner().invoke(
        cli,
        ["build", "--archive", str(growing.root), "--engine", "spark"],
        env={"SPARK_REMOTE": ""},
    )

    assert done.exit_code == 2
    assert "--engine spark asks a server; name it with --spark-remote" in done.stderr
