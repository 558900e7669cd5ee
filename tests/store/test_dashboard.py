"""The live page of an archive in a bucket: what a folder's page shows, through every move."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from analytics.archive import utc_now
from analytics.cli import cli as analytics
from analytics.config import Config
from analytics.dashboard import published
from analytics.dashboard.watch import Watch
from analytics.errors import AnalyticsError
from analytics.report import plain
from archiver import fs, publish
from archiver.cli import cli
from archiver.errors import StoreUnreachable


def watching(root):
    return Watch(root, (), lambda project: Config().desk(project, {}))


def shown(watch, now):
    watch.refresh(now)
    return plain(watch.shown())


@pytest.fixture
def today(place):
    """A desk's last day in the spool."""
    asked = ["simulate", "history", "--archive", place.remote.spool, "--days", 1]
    asked += ["--chats-per-day", 20, "--agents", 2]
    done = CliRunner().invoke(cli, [str(one) for one in asked])
    assert done.exit_code == 0, done.output
    publish.begin(place.bucket, place.remote.spool, "main", fs.PRIVATE)
    return place.remote


def move(place):
    return list(publish.publish(place.bucket, place.remote.spool, "main"))


def test_it_shows_the_same_before_and_after_publishing(place, today):
    now = utc_now()
    as_folder = shown(watching(today.spool), now)
    assert as_folder

    before, after = watching(today), None
    assert shown(before, now) == as_folder
    assert move(place)
    after = watching(today)

    assert shown(before, now) == as_folder
    assert shown(after, now) == as_folder


def test_it_asks_the_store_now_and_then(place, today):
    move(place)
    watch, now = watching(today), utc_now()
    watch.refresh(now)
    place.proxy.asked.clear()

    for _ in range(5):
        watch.refresh(now)

    assert place.proxy.asked == []


def test_an_outage_of_the_store_leaves_the_page_as_it_is(place, today, monkeypatch):
    monkeypatch.setattr(published, "LOOK_EVERY", 0.0)
    move(place)
    watch, now = watching(today), utc_now()
    before = shown(watch, now)
    place.proxy.meddle = lambda _method, _path: 503

    assert shown(watch, now) == before
    with pytest.raises((AnalyticsError, StoreUnreachable)):
        watching(today).refresh(now)


def test_it_wants_the_spool(today):
    told = CliRunner().invoke(analytics, ["dashboard", "--archive", today.url])

    assert told.exit_code == 1
    assert told.stderr == (
        f"Error: {today}: the live page follows a recorder; name its folder with --spool\n"
    )
    assert replace(today, spool=None).url == today.url
