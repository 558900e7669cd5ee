"""The page in a real browser without a network: what people see, hear and print."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

DESKTOP, PHONE = {"width": 1100, "height": 900}, {"width": 360, "height": 740}
SCREENS = [
    pytest.param((viewport, scheme), id=f"{name}, {scheme}")
    for name, viewport in (("desktop", DESKTOP), ("phone", PHONE))
    for scheme in ("light", "dark")
]
A4_INCHES = (8.27, 11.69)
SPLIT = """[...document.querySelectorAll("#agents thead th")].filter(head => {
    const text = document.createRange();
    text.selectNodeContents(head);
    const lines = new Set([...text.getClientRects()].map(box => box.top)).size;
    return lines > head.textContent.split(" ").length;
}).map(head => head.textContent)"""
"""Heads of the agents' table that are broken within a word."""


@pytest.fixture(scope="module", params=SCREENS)
def shown(request, browser: Browser, day) -> Iterator[tuple[Page, list[str]]]:
    """Open the page on a screen; with it, whatever it asked the network for or complained of."""
    viewport, scheme = request.param
    context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda asked: heard.append(asked.url))
    page.goto(day.page.as_uri())
    yield page, heard
    context.close()


@pytest.fixture(scope="module")
def wide(browser: Browser, day) -> Iterator[Page]:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(day.page.as_uri())
    yield page
    page.close()


def test_it_asks_for_nothing_and_complains_of_nothing(shown, day):
    _, heard = shown

    assert heard == [day.page.as_uri()]


def test_it_fits_the_screen(shown):
    page, _ = shown
    width = page.viewport_size["width"]
    cut = """
        () => [...document.querySelectorAll('body *')]
            .filter(one => one.checkVisibility() && !one.closest('.scroll, .unseen, svg'))
            .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5)
            .map(one => one.outerHTML.slice(0, 80))
    """

    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(cut) == []


def test_each_picture_is_drawn_once_inside_its_place(shown):
    page, _ = shown
    is_phone = page.viewport_size == PHONE
    seen = [one for one in page.locator("figure svg").all() if one.is_visible()]

    assert len(seen) == page.locator("figure").count() > 10
    assert all(one.get_attribute("id").endswith("-narrow") == is_phone for one in seen)
    spilt = """
        () => [...document.querySelectorAll('figure svg')].filter(one => one.checkVisibility())
            .flatMap(svg => [...svg.querySelectorAll('text')].filter(text => {
                const [a, b] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
                return a.width > 0 && (a.left < b.left - 2 || a.right > b.right + 2);
            }).map(text => svg.id + ': ' + text.textContent))
    """
    assert page.evaluate(spilt) == []


def test_colours_follow_the_screen(shown):
    page, _ = shown
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bar = """
        () => [...document.querySelectorAll('#arrivals path, #arrivals-narrow path')]
            .filter(one => one.getAttribute('fill') === 'var(--main)')
            .map(one => getComputedStyle(one).fill)[0]
    """

    assert ground == ("rgb(20, 24, 29)" if is_dark else "rgb(255, 255, 255)")
    assert page.evaluate(bar) == ("rgb(88, 170, 232)" if is_dark else "rgb(11, 98, 163)")


def test_axe_finds_nothing_serious(shown):
    page, _ = shown

    found = Axe().run(page).response

    serious = [
        (one["id"], [node["html"][:120] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert len(found["passes"]) > 20
    assert serious == []


def test_every_figure_is_the_report_s(wide, day):
    figures = wide.evaluate(
        "() => [...document.querySelectorAll('data')].map(one => [one.dataset.path, one.value])"
    )

    assert len(figures) > 150
    told = dict(figures)
    wrong = [path for path in told if not is_same(told[path], wanted(day.report, path))]
    assert not wrong
    for metric in ("chats_offered", "service_level", "queue_time", "agent_load"):
        assert any(path.startswith(f"metrics/{metric}/") for path in told)


def wanted(report, path):
    """Return the value that stands at a place of the report."""
    for step in path.split("/"):
        report = report[int(step)] if isinstance(report, list) else report[step]
    return report


def is_same(shown, value):
    """Sums of another run differ in the last digits; nothing else may."""
    if value is None:
        return shown == ""
    return math.isclose(float(shown), value, rel_tol=1e-9)


def test_a_headline_figure_reads_as_the_table_does(wide, day, ask):
    table = ask(
        "report", "--archive", day.archive, "--date", "2026-03-09", "--tz", "Europe/Rome"
    ).stdout
    names = ["chats began", "chats closed", "answered in time", "left without an answer"]

    for name in names:
        tile = wide.locator(".tile", has_text=name).locator(".value").inner_text()
        assert re.search(rf"^{name} +{re.escape(tile)} ", table, re.MULTILINE), (name, tile)


def test_names_of_people_are_text(wide, day):
    cells = wide.locator("#agents bdi").all_inner_texts()

    assert sorted(cells) == sorted(day.names)
    assert wide.evaluate("document.scripts.length") == 0
    hebrew = wide.locator("#agents bdi", has_text="דנה")
    assert hebrew.evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate"


def test_definitions_are_one_click_away(wide):
    waits = wide.locator("#waits details")
    definition = waits.get_by_text("How long visitors waited for the first human reply")

    assert not definition.is_visible()
    waits.locator("summary").click()
    assert definition.is_visible()


def test_the_table_of_contents_leads_to_the_sections(wide):
    wide.get_by_role("link", name="Staffing", exact=True).click()

    assert wide.locator("#staffing-head").is_visible()
    assert abs(wide.locator("#staffing-head").bounding_box()["y"]) < 400


def test_who_sees_no_pictures_is_told_what_they_show(wide):
    picture = wide.get_by_role("img", name="Agents required and available").first

    assert "required" in picture.get_attribute("aria-labelledby") or picture.is_visible()
    assert "intervals" in wide.locator("#staffing-map desc").text_content()


def test_it_prints_on_a4_light_with_all_its_tables(browser: Browser, day):
    page = browser.new_page(color_scheme="dark")
    page.goto(day.page.as_uri())
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    page.emulate_media(media="print")

    sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    assert len(sizes) == 1
    ((width, height),) = sizes
    assert abs(float(width) / 72 - A4_INCHES[0]) < 0.02
    assert abs(float(height) / 72 - A4_INCHES[1]) < 0.02
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 41, 51)"
    assert not page.locator("summary").first.is_visible()
    page.set_viewport_size({"width": 703, "height": 1000})  # what A4 leaves between the margins
    assert page.evaluate("document.documentElement.scrollWidth") == 703
    assert page.evaluate(SPLIT) == []
    page.close()


def test_the_index_leads_to_a_day(browser: Browser, written):
    page = browser.new_page(viewport=PHONE)
    page.goto((written / "index.html").as_uri())

    assert Axe().run(page).violations_count == 0
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.get_by_role("link", name="Mon 2026-03-02").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Monday, 02 March 2026"
    page.close()
