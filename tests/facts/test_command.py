"""`analytics build`, and who asks what it keeps: the same answers, and a word where it cannot."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from analytics.cli import cli
from archiver import contract

DAYS = ("--since", "2026-03-02", "--until", "2026-03-11", "--no-compare", "--format", "json")
COUNTS = r"10 days with something new, \d+ chats, \d+ rows, [\d.]+ MB, [\d.]+ s"


@pytest.fixture
def ask():
    def call(*arguments):
        done = CliRunner().invoke(cli, [str(one) for one in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


def test_what_was_built_is_told_in_a_line(growing, ask):
    growing.add(growing.left())

    done = ask("build", "--archive", growing.root)

    assert done.exit_code == 0
    assert re.fullmatch(rf"{growing.project_id}  {COUNTS}\n", done.stdout), done.stdout
    assert growing.store.is_there


def report(ask, growing, *more):
    done = ask("report", "--archive", growing.root, *DAYS, *more)
    assert done.exit_code == 0
    return json.loads(
        done.stdout, parse_float=lambda text: float(f"{float(text):.9g}")
    ), done.stderr


def test_a_long_report_reads_what_is_kept_and_says_the_same(built, ask):
    anew, _ = report(ask, built, "--look-back", "30", "--look-ahead", "30")
    for part in built.root.glob("project_id=*/date=2026-03-0[4-8]/*.parquet"):
        part.write_bytes(bytes(part.stat().st_size))  # of the same size, and no Parquet
    names = "chats_offered,response_time,agent_load"

    told, said = report(ask, built, "--metrics", names)

    assert told["metrics"] == {name: anew["metrics"][name] for name in names.split(",")}
    assert said == ""


def test_fewer_days_and_days_that_are_said_to_be_read_are_read(built, ask):
    """No facts are asked: they would not be believed."""
    shutil.rmtree(built.store.folder)
    built.store.folder.mkdir()
    (built.store.folder / "state.json").write_text("nonsense")

    for more in (["--look-back", "2"], ["--until", "2026-03-09"], ["--as-of", "2026-03-15T00:00"]):
        assert report(ask, built, *more)[1] == ""
    assert report(ask, built)[1] == (
        f"Note: {built.store.folder}/state.json: damaged; 'analytics build' mends it;"
        " meanwhile all is worked out anew\n"
    )


def test_nothing_new(built, ask):
    done = ask("build", "--archive", built.root)

    assert done.stdout == f"{built.project_id}  nothing new\n"


def test_kept_elsewhere(built, ask, tmp_path):
    done = ask("build", "--archive", built.root, "--facts", tmp_path / "elsewhere")

    assert done.exit_code == 0
    assert (tmp_path / "elsewhere" / built.project_id / "state.json").exists()
    report(ask, built, "--facts", tmp_path / "elsewhere")


def test_kept_anew(built, ask):
    (built.store.folder / "state.json").write_text("nonsense")

    told = ask("build", "--archive", built.root).stdout

    assert told.endswith(" (all anew: what was kept could not be used)\n")


def test_a_wrong_project_and_a_folder_that_cannot_be_written(growing, ask, tmp_path):
    growing.add(growing.left()[:1])
    (tmp_path / "file").write_text("")

    wrong = ask("build", "--archive", growing.root, "--project", "nobody")
    unwritable = ask("build", "--archive", growing.root, "--facts", tmp_path / "file" / "facts")

    there = f"no project nobody here; there is {growing.project_id}"
    assert (wrong.exit_code, wrong.stderr) == (1, f"Error: {growing.root}: {there}\n")
    folder = tmp_path / "file" / "facts" / growing.project_id
    told = f"Error: {folder}: cannot keep facts there (Not a directory); name a folder with --facts"
    assert (unwritable.exit_code, unwritable.stderr) == (1, f"{told}\n")


def test_an_archive_of_nothing_yet(growing, ask):
    done = ask("build", "--archive", growing.root)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: {growing.root}: nothing is recorded yet\n"


def test_an_archive_in_a_bucket_needs_a_place(ask):
    done = ask("build", "--archive", "s3://bucket/chats")

    assert done.exit_code == 2
    assert "say with --facts where to keep them" in done.stderr


def test_the_folder_of_facts_is_no_part_of_the_archive(built):
    """Neither a glob of parts nor one of all Parquet files finds it."""
    found = [*built.root.glob("**/*.parquet")]

    assert sorted(found) == sorted(built.root.glob(contract.parts_glob()))
