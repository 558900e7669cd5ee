"""A folder of pages: what is written, and what is left as it is."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from analytics import queries
from analytics.document import daybook, ledger
from analytics.document.ledger import Entry
from analytics.folder import Folder
from archiver.recording import Recording, wall_clock

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
LAST = ("--since", "2026-03-01", "--until", "2026-03-03")  # as `written` has them


@pytest.fixture
def book(written, tmp_path):
    """Copy the pages."""
    return shutil.copytree(written, tmp_path / "pages")


@pytest.fixture
def own(archive, tmp_path):
    """Copy the archive."""
    return shutil.copytree(archive, tmp_path / "archive")


@pytest.fixture
def again(archive, ask, book):
    """Write the pages again, as far as they need it."""

    def call(*options):
        asked = ("report", "--archive", archive, *LAST, *options)
        done = ask(*asked, "--every-day", "--output-dir", book)
        assert done.exit_code == 0, done.stderr
        return done.stderr.removeprefix(f"{book}: ")

    return call


@pytest.fixture
def entry(request_of):
    """Return what the ledger would write of 2 March, and what asks if it is still good."""

    def call(archive, **asked):
        request = request_of(archive, day=date(2026, 3, 2), **asked)
        window = request.window()
        digest = ledger.digest(request.folder, request.project_id)
        made = ledger.maker(request, queries.REPORT, compare=True)
        settled = ledger.is_settled(request, window)
        return Entry(made, ledger.parts(request, window, digest), settled, 1.0, {})

    return call


def partition(archive: Path, day: str) -> Path:
    (found,) = archive.glob(f"project_id=*/date={day}")
    return found


def test_there_is_a_page_a_day_and_an_index_of_them(written):
    index = (written / "index.html").read_text("utf-8")

    assert {path.name for path in written.iterdir()} == {
        "2026-03-01.html",
        "2026-03-02.html",
        "days.json",
        "index.html",
    }
    assert re.findall(r'<a href="([^"]+)"', index) == ["2026-03-02.html", "2026-03-01.html"]
    assert "<svg" in index


def test_each_page_leads_to_its_neighbours_and_to_the_index(written):
    def links(day):
        text = (written / f"{day}.html").read_text("utf-8")
        return [link for link in re.findall(r'href="([^"]+)"', text) if link[0] != "#"]

    assert links("2026-03-01") == ["index.html", "2026-03-02.html"]
    assert links("2026-03-02") == ["2026-03-01.html", "index.html"]


def test_the_index_has_the_headline_figures(written, archive, ask):
    asked = ("report", "--archive", archive, "--date", "2026-03-02", "--format", "json")
    report = json.loads(ask(*asked).stdout)
    told = json.loads((written / "days.json").read_bytes())

    figures = told["days"]["2026-03-02"]["figures"]

    assert figures == {
        f"{one['metric']}/{one['column']}": one["value"] for one in report["comparison"]["figures"]
    }
    assert len(figures) > 5


def test_pages_are_for_their_owner_only(written):
    assert written.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o600}


def test_days_that_are_over_are_left_as_they_are(book, again):
    before = {path: path.stat().st_mtime_ns for path in book.glob("2026*.html")}

    assert again() == "0 pages written, 2 kept\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_page_that_is_gone_is_written_again(book, again):
    (book / "2026-03-01.html").unlink()

    assert again() == "1 pages written, 1 kept\n"


def test_force_writes_what_is_good_as_well(again):
    assert again("--since", "2026-03-02", "--force") == "1 pages written, 0 kept\n"


def test_a_page_is_good_as_long_as_nothing_has_changed(archive, entry):
    before, now = entry(archive), entry(archive)

    assert len(before.parts) == 9  # nothing is recorded of 28 February
    assert before.is_good(now.made_by, now.parts)


@pytest.mark.parametrize(("day", "is_good"), [("2026-03-09", False), ("2026-03-10", True)])
def test_another_part_of_a_partition_that_it_reads_makes_a_page_old(own, entry, day, is_good):
    """2 March looks seven days ahead."""
    before = entry(own)
    part = next(partition(own, day).glob("*.parquet"))
    shutil.copy(part, part.with_name("other-000001.parquet"))

    now = entry(own)

    assert before.is_good(now.made_by, now.parts) == is_good


def test_a_part_that_was_written_anew_makes_a_page_old(own, entry):
    """Erasing a person leaves the part's name, and another size."""
    before = entry(own)
    part = next(partition(own, "2026-03-02").glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b"\0")

    now = entry(own)

    assert not before.is_good(now.made_by, now.parts)


def test_what_was_pruned_changes_nothing(own, entry):
    before = entry(own)
    shutil.rmtree(partition(own, "2026-03-01"))

    now = entry(own)

    assert len(now.parts) == 8
    assert before.is_good(now.made_by, now.parts)


@pytest.mark.parametrize("asked", [{"told": {"answer_target": 30.0}}, {"look_back": None}])
def test_other_settings_are_another_page(archive, entry, asked):
    before, now = entry(archive), entry(archive, **asked)

    assert not before.is_good(now.made_by, before.parts)


@pytest.mark.parametrize(
    ("asked", "is_settled"),
    [
        ({}, True),
        ({"as_of": datetime(2026, 3, 10)}, True),
        ({"as_of": datetime(2026, 3, 9, 23)}, False),
        ({"look_ahead": None}, False),
    ],
)
def test_a_page_for_which_something_may_still_come_is_not_good_for_long(
    archive, entry, asked, is_settled
):
    before = entry(archive, **asked)

    assert before.is_settled == is_settled
    assert before.is_good(before.made_by, before.parts) == is_settled


def test_without_days_all_that_were_recorded_are_written(archive, request_of):
    days = [window.since for window in daybook.windows(request_of(archive))]

    assert days == [date(2026, 3, day) for day in range(1, 12)]


def test_days_of_which_nothing_was_recorded_are_refused(archive, ask, tmp_path):
    done = ask(
        *("report", "--archive", archive, "--since", "2025-01-01", "--until", "2025-01-03"),
        *("--every-day", "--output-dir", tmp_path),
    )

    assert (done.exit_code, done.stderr) == (
        1,
        (
            "Error: 2025-01-01 to 2025-01-03: no day of which something was recorded;"
            " there is 2026-03-01 to 2026-03-11\n"
        ),
    )


def test_a_folder_of_another_project_is_refused(archive, book, ask):
    told = book / "days.json"
    told.write_text(told.read_text().replace("5f6c1d2e3a4b5c6d7e8f9a0b", "another"))

    done = ask("report", "--archive", archive, *LAST, "--every-day", "--output-dir", book)

    line = f"Error: {book}: has pages of project another; choose another folder\n"
    assert (done.exit_code, done.stderr) == (1, line)


def test_a_ledger_that_cannot_be_read_is_said(archive, book, ask):
    (book / "days.json").write_text("{")

    done = ask("report", "--archive", archive, *LAST, "--every-day", "--output-dir", book)

    line = (
        f"Error: {book / 'days.json'}: cannot read it; remove it, and every page is written again\n"
    )
    assert (done.exit_code, done.stderr) == (1, line)


def test_a_few_metrics_make_no_pages(archive, ask, tmp_path):
    done = ask(
        *("report", "--archive", archive, *LAST, "--every-day", "--output-dir", tmp_path),
        *("--metrics", "queue_time"),
    )

    line = "Error: --every-day: tells the whole report; leave out --metrics\n"
    assert (done.exit_code, done.stderr) == (1, line)


def test_what_is_not_sealed_yet_counts(tmp_path):
    """A recorder at work adds to its journal; the parts come later."""
    capture = CAPTURES / "four_chats.frames.jsonl.gz"
    with gzip.open(capture, "rt", encoding="utf-8") as lines:
        frames = [line for line in map(json.loads, lines) if line["dir"] == "in"]
    assert len(frames) > 50
    project = "6b047ee8ddd2e63c67172e40"
    recording = Recording(tmp_path / "archive", "main", [project])
    words = []
    for some in (frames[:40], frames[40:]):
        for line in some:
            recording.keep([line["data"].encode()], int(line["t"] * 1e6), 1)
        folder = Folder(tmp_path / "archive")
        words.append([ledger.digest(folder, project)(day) for day in folder.days(project)])
    recording.close(wall_clock())

    assert len(words[0]) == len(words[1]) == 1
    assert words[0] != words[1]
