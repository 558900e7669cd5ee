"""The page in a real browser, over a real desk, recorder and server; it reaches nothing else."""

from __future__ import annotations

import json
import re
import shutil
import signal
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner

from analytics.dashboard.command import TOKEN as TOKEN_VARIABLE
from archiver import contract
from archiver.cli import cli as archiver

PATIENCE_MS = 60_000
TOKEN = "a token that is long enough"
COUNTS = (
    "incoming_count",
    "assigned_count",
    "active_count",
    "agents_available_count",
    "agents_away_count",
    "agents_offline_count",
    "agents_at_limit_count",
    "slots_free_count",
    "bot_held_count",
)


@pytest.fixture(scope="module")
def recorded(desk, record):
    """The desk's process, once its events are recorded."""
    url, process = desk
    record(url)
    return process


@pytest.fixture(scope="module")
def url(recorded, archive, serve, wait_for_archive):
    wait_for_archive()
    address, _ = serve()
    return address


@contextmanager
def opened(browser, url, **settings):
    """Open the page; whatever it complains about, or asks of others, is an error."""
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(url) or complaints.append(asked.url))
    page.goto(url)
    yield page
    context.close()
    assert complaints == []


def wait_until_live(page):
    page.wait_for_selector('#link[data-state="live"]')
    page.wait_for_selector('.recorder[data-state="recording"]')


def number(page, key):
    return page.inner_text(f'[data-key="{key}"]')


def test_the_page_shows_what_the_archive_says_and_changes_when_the_desk_does(
    browser, url, recorded, run_sql
):
    with opened(browser, url) as page:
        wait_until_live(page)
        came = int(number(page, "arrivals_count"))
        page.wait_for_function(
            """came => +document.querySelector('[data-key="arrivals_count"]').textContent > came""",
            arg=came,
        )
        recorded.send_signal(signal.SIGSTOP)  # so that two may look at the same
        try:
            (asked,) = run_sql("select * from gauges")
            page.wait_for_function(
                "at => told.projects[0].gauges.last_event_at === at", arg=asked["last_event_at"]
            )
            assert {key: number(page, key) for key in COUNTS} == {
                key: str(asked[key]) for key in COUNTS
            }
            waiting = run_sql("select conversation_id from waiting_now where waiting_s > 120")
            listed = page.inner_text('[data-list="late"]')
            assert all(row["conversation_id"][-8:] in listed for row in waiting[:50])
        finally:
            recorded.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_reading_it(browser, url, scheme):
    with opened(browser, url, color_scheme=scheme, viewport={"width": 390, "height": 844}) as page:
        wait_until_live(page)
        found = Axe().run(page).response["violations"]

        assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_keyboard_reaches_what_scrolls(browser, url):
    with opened(browser, url) as page:
        wait_until_live(page)
        page.keyboard.press("Tab")
        reached = [page.evaluate("document.activeElement.className")]
        for _ in range(2):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.className"))

        assert reached == ["skip", "scroll", "scroll"]


def test_no_word_of_a_chat_and_no_visitor_is_on_the_page(browser, url, run_sql):
    texts = run_sql(
        "select distinct get_json_object(payload, '$.text') as said,"
        " get_json_object(payload, '$.sender_fullname') as name, sender"
        " from events where kind = 'message' and sender not like 'bot%'"
        " and sender not in (select agent_id from agents) limit 200"
    )
    secret = {row[key] for row in texts for key in ("said", "name") if row[key]}
    secret = {text for text in secret if len(text) > 8}
    assert secret
    with opened(browser, url) as page:
        wait_until_live(page)
        shown = page.content() + page.evaluate("JSON.stringify(told)")

        assert not [text for text in secret if text in shown]


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """An archive whose recorder has gone."""
    folder = tmp_path_factory.mktemp("left") / "archive"
    asked = ["simulate", "history", "--archive", folder, "--days", 1, "--chats-per-day", 20]
    done = CliRunner().invoke(archiver, [str(one) for one in asked])
    assert done.exit_code == 0, done.output
    return folder


def test_it_says_how_fresh_it_is_and_comes_back_when_the_server_does(
    browser, left, serve, free_port, stop
):
    address = ("--archive", str(left), "--address", f"127.0.0.1:{free_port}")
    url, server = serve(*address)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.clock.install()
    page.goto(url)

    page.wait_for_selector('.recorder[data-state="down"]')
    assert "(the recorder was stopped): the figures are what was known then." in page.inner_text(
        ".desk"
    )

    server.send_signal(signal.SIGSTOP)
    page.clock.fast_forward(20_000)
    page.wait_for_selector('#link[data-state="stale"]')
    assert page.inner_text("#link").startswith("No news; the figures are ")
    server.send_signal(signal.SIGCONT)
    page.wait_for_selector('#link[data-state="live"]')

    assert stop(server) == 0
    page.wait_for_selector('#link[data-state="lost"]')
    assert "Reconnecting" in page.inner_text("#link")
    assert number(page, "incoming_count") != ""
    serve(*address)
    page.wait_for_selector('#link[data-state="live"]')
    context.close()


@contextmanager
def watched(browser, url, **clock):
    """Open the page with a clock of its own."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.clock.install(**clock)
    page.goto(url)
    yield page
    context.close()


def test_nothing_to_tell_is_no_silence(browser, serve, tmp_path):
    (tmp_path / contract.MARKER).write_text(f'{{"format": {contract.VERSION}}}')
    url, _ = serve("--archive", str(tmp_path))
    with watched(browser, url) as page:
        page.wait_for_selector('#link[data-state="live"]')
        assert "Nothing is recorded in this archive yet." in page.inner_text("#desks")

        page.clock.fast_forward(20_000)
        page.wait_for_selector('#link[data-state="stale"]')
        page.wait_for_selector('#link[data-state="live"]')


def test_an_archive_that_goes_is_told_beside_the_last_figures(browser, left, serve, tmp_path):
    archive = shutil.copytree(left, tmp_path / "archive")
    url, _ = serve("--archive", str(archive))
    with opened(browser, url) as page:
        page.wait_for_selector('.recorder[data-state="down"]')
        archive.rename(tmp_path / "away")
        page.wait_for_selector("#notice.trouble:visible")
        page.wait_for_selector('#link[data-state="stale"]')

        assert "The archive cannot be read" in page.inner_text("#notice")
        assert page.is_visible(".tile")
        assert Axe().run(page).response["violations"] == []

        (tmp_path / "away").rename(archive)
        page.wait_for_selector("#notice", state="hidden")
        page.wait_for_selector('#link[data-state="live"]')


@pytest.mark.parametrize("hours", [-5, 7])
def test_waits_count_by_the_clock_of_the_server(browser, left, serve, hours):
    url, _ = serve("--archive", str(left))
    wrong = datetime.now(UTC) + timedelta(hours=hours)
    with watched(browser, url, time=wrong) as page:
        page.wait_for_selector('#link[data-state="live"]')
        with urllib.request.urlopen(f"{url}state", timeout=60) as answer:  # noqa: S310 (ours)
            (project,) = json.load(answer)["projects"]
        since = [datetime.fromisoformat(one["since"]) for one in project["agents"]]
        shown = page.locator('[data-list="agents"] td:last-child').all_inner_texts()

        assert len(shown) == len(since) > 0
        for text, at in zip(shown, since, strict=True):
            minutes = (datetime.now(UTC) - at).total_seconds() / 60
            assert abs(lasted(text) - minutes) < 3
        assert not re.match("No news", page.inner_text("#link"))


def lasted(text):
    """Return the minutes of a time as the page tells it: hours, and minutes."""
    return sum(int(n) * {"h": 60, "min": 1}[unit] for n, unit in re.findall(r"(\d+) (h|min)", text))


def test_only_who_knows_the_token_sees_the_page(browser, serve):
    url, _ = serve("--address", "127.0.0.1:0", **{TOKEN_VARIABLE: TOKEN})
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()

    assert page.goto(url).status == 401
    assert Axe().run(page).response["violations"] == []
    page.fill("#token", "another token, just as long")
    page.press("#token", "Enter")
    page.wait_for_selector("#wrong:visible")
    page.fill("#token", TOKEN)
    page.press("#token", "Enter")
    wait_until_live(page)

    (cookie,) = context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert TOKEN not in cookie["value"]
    assert page.evaluate("document.cookie") == ""
    context.close()
