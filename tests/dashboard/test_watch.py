"""Refreshing for everybody: once for all, and on again after trouble."""

from __future__ import annotations

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from analytics.archive import utc_now
from analytics.config import Config
from analytics.dashboard.watch import TROUBLE, TURN_EVERY, Watch
from analytics.report import plain
from archiver import contract
from archiver.cli import cli as archiver

PROJECTS = ("5f6c1d2e3a4b5c6d7e8f9a0b", "5f6c1d2e3a4b5c6d7e8f9a0c")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch") / "archive"
    for number, project in enumerate(PROJECTS):
        asked = ["simulate", "history", "--archive", folder, "--days", 1, "--project", project]
        asked += ["--chats-per-day", 20, "--agents", 2, "--recorder", f"r{number}"]
        done = CliRunner().invoke(archiver, [str(one) for one in asked])
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def root(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "archive")


def watching(root, *projects):
    return Watch(root, projects, lambda project: Config().desk(project, {}))


async def until(watch, is_it):
    """Run it until it says what is awaited; return that."""
    task = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(60):
            async for text in watch.turns():
                if text is not None and is_it(told := json.loads(text)):
                    return told
    finally:
        task.cancel()
    raise AssertionError


def run_apart(work):
    """Run a coroutine in a thread of its own: a browser of other tests has a loop in this one."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


def test_all_projects_are_shown_or_those_chosen(root):
    every = run_apart(until(watching(root), lambda told: told["projects"]))
    one = run_apart(until(watching(root, PROJECTS[1]), lambda told: told["projects"]))

    assert tuple(project["project_id"] for project in every["projects"]) == PROJECTS
    assert [project["project_id"] for project in one["projects"]] == [PROJECTS[1]]


def test_a_project_that_is_not_recorded_yet_is_shown_as_empty(root):
    def is_compared(told):
        return told["projects"] and told["projects"][0]["today"]["normal_days"] is not None

    told = run_apart(until(watching(root, "f" * 24), is_compared))

    assert told["projects"][0]["recorder"]["state"] == "empty"
    assert told["projects"][0]["today"]["normal_days"] == 0


def test_a_project_that_was_recorded_long_ago_is_told_with_the_day(root):
    yesterday = max(root.glob(f"project_id={PROJECTS[0]}/date=*"))
    yesterday.rename(yesterday.with_name("date=2026-01-02"))
    for other in root.glob(f"project_id={PROJECTS[0]}/date=*"):
        if other.name != "date=2026-01-02":
            shutil.rmtree(other)

    told = run_apart(until(watching(root, PROJECTS[0]), lambda told: told["projects"]))

    assert told["projects"][0]["recorder"]["state"] == "down"
    assert told["projects"][0]["recorder"]["last_day"] == "2026-01-02"


def test_a_part_that_cannot_be_read_is_told_and_what_is_mended_is_read(root, monkeypatch):
    monkeypatch.setattr("analytics.dashboard.watch.TROUBLE_PAUSE", 0.01)
    part = next(root.glob(contract.parts_glob(PROJECTS[0])))
    bytes_ = part.read_bytes()
    part.write_bytes(bytes_[: len(bytes_) // 2])
    watch = watching(root)

    async def both():
        broken = await until(watch, lambda told: told["trouble"])
        part.write_bytes(bytes_)
        return broken, await until(watch, lambda told: not told["trouble"] and told["projects"])

    broken, mended = run_apart(both())

    assert broken["trouble"] == TROUBLE
    assert len(mended["projects"]) == len(PROJECTS)


def test_an_archive_that_goes_is_told_with_the_last_figures_until_it_is_back(
    root, monkeypatch, caplog
):
    monkeypatch.setattr("analytics.dashboard.watch.TROUBLE_PAUSE", 0.01)
    watch, away = watching(root), root.with_name("away")

    async def gone_and_back():
        before = await until(watch, lambda told: told["projects"])
        root.rename(away)
        told = []
        gone = await until(watch, lambda one: told.append(one) or len(told) > 3)
        away.rename(root)
        return before, gone, await until(watch, lambda told: not told["trouble"])

    before, gone, back = run_apart(gone_and_back())

    assert gone["trouble"] == TROUBLE
    figures = [[project["gauges"] for project in told["projects"]] for told in (before, gone)]
    assert figures[0] == figures[1]
    assert len(back["projects"]) == len(PROJECTS)
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [f"{root}: no archive here; name the folder that 'archiver record' writes to"]


def test_figures_are_fresh_from_the_moment_they_are_told_until_they_are_old(tmp_path, monkeypatch):
    (tmp_path / contract.MARKER).write_text(f'{{"format": {contract.VERSION}}}')
    watch, is_fresh = watching(tmp_path), []

    async def first():
        before = watch.is_fresh()
        await until(watch, lambda _: is_fresh.append(watch.is_fresh()) or True)
        return before, is_fresh

    assert run_apart(first()) == (False, [True])
    monkeypatch.setattr("analytics.dashboard.watch.STALE_AFTER", 0)
    assert not watch.is_fresh()


def test_nothing_is_asked_twice_without_news(root):
    watch = watching(root)
    now = utc_now()

    assert watch.refresh(now)
    assert not watch.refresh(now)


def test_of_many_without_news_some_take_their_turn_at_a_look(root, monkeypatch):
    monkeypatch.setattr("analytics.dashboard.watch.QUIET_AT_ONCE", 1)
    watch, now = watching(root), utc_now()
    times = [*[now] * 3, *[now + TURN_EVERY] * 3]

    answered = []
    for time in times:
        is_news = watch.refresh(time)
        answered.append((is_news, sorted(one["asked_at"] for one in watch.shown())))

    before, after = plain(now), plain(now + TURN_EVERY)
    assert answered == [
        (True, [before]),
        (True, [before, before]),
        (False, [before, before]),
        (True, [before, after]),
        (True, [after, after]),
        (False, [after, after]),
    ]


def test_viewers_get_the_same_text_and_go_when_it_ends(root):
    watch = watching(root)

    async def viewers():
        task = asyncio.create_task(watch.run())
        streams = [watch.turns() for _ in range(3)]
        firsts = [await anext(stream) for stream in streams]
        watch.end()
        rest = [[text async for text in stream] for stream in streams]
        task.cancel()
        return firsts, rest

    firsts, rest = run_apart(viewers())

    assert firsts[0] is firsts[1] is firsts[2]
    assert rest == [[], [], []]
