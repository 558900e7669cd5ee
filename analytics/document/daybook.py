"""Keeps a folder of pages, one for every day, with an index of them.

Only what may have changed is written again; the ledger knows. A page is whole or as it was, and
what was written is known at once, so that the next run goes on where one was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from analytics.archive import utc_now
from analytics.comparison import HEADLINES
from analytics.document import charts, html, ledger
from analytics.document.blocks import Picture
from analytics.document.facts import shown
from analytics.document.ledger import Entry, Ledger
from analytics.document.material import Material
from analytics.document.palette import CSS
from analytics.errors import WindowWrong
from analytics.figures import is_short, percent
from analytics.output import make_folder, write
from analytics.request import Request
from analytics.window import DAY, Window, as_asked, local_date

INDEX = "index.html"
COLUMNS = (
    ("began", "chats_offered", "sessions_count"),
    ("closed", "chats_closed", "sessions_count"),
    ("in time", "service_level", "service_level_ratio"),
    ("reply, median", "first_response_human", "p50_s"),
    ("90 % within", "first_response_human", "p90_s"),
    ("left", "abandonment", "abandoned_ratio"),
    ("rating", "satisfaction", "mean_rating"),
)
"""Of the index: a headline figure each."""

Read = Callable[[Window], Material]


def windows(request: Request) -> list[Window]:
    """Return the days asked for that have a partition; if none are asked for, all that are over."""
    now = utc_now()
    if request.as_of is not None:
        now = as_asked(request.as_of, request.desk.tz, now)
    recorded = request.folder.days(request.project_id)
    since = request.day or request.since or recorded[0]
    until = request.until if request.day is None else request.day + DAY
    last = until or local_date(now, request.desk.tz)
    count = max(0, (last - since).days)
    days = (since + n * DAY for n in range(count))
    listed = [
        Window(day, day + DAY, request.desk.tz, now, request.as_of is not None) for day in days
    ]
    found = [one for one in listed if one.start < now and one.since in recorded]
    if not found:
        raise WindowWrong(
            f"{since} to {last}: no day of which something was recorded;"
            f" there is {recorded[0]} to {recorded[-1]}"
        )
    return found


def write_pages(
    request: Request,
    folder: Path,
    asked: Sequence[Window],
    read: Read,
    made_by: str,
    *,
    is_forced: bool = False,
) -> Iterator[bool]:
    """Write the pages that may have changed, and then the index; yields for each if it was."""
    make_folder(folder)
    book = Ledger.read(folder, request.project_id)
    digest = ledger.digest(request.folder, request.project_id)
    every = sorted({*book.entries, *(window.since for window in asked)})
    for window in asked:
        parts = ledger.parts(request, window, digest)
        page = folder / f"{window.since}.html"
        entry = book.entries.get(window.since)
        is_good = entry is not None and page.exists() and entry.is_good(made_by, parts)
        if is_good and not is_forced:
            yield False
            continue
        material = read(window)
        write(html.page(material, _links(window.since, every)), page)
        settled = ledger.is_settled(request, window)
        book.entries[window.since] = _entry(material.report, made_by, parts, is_settled=settled)
        book.save()
        yield True
    write(index(book, request.desk.settings.coverage_threshold), folder / INDEX)


def _entry(
    report: dict[str, Any], made_by: str, parts: dict[str, str], *, is_settled: bool
) -> Entry:
    figures = {
        f"{one.metric}/{one.column}": report["metrics"][one.metric][-1][one.column]
        for one in HEADLINES
    }
    return Entry(made_by, parts, is_settled, report["coverage"]["ratio"], figures)


def _links(day: date, every: Sequence[date]) -> dict[str, str]:
    at = every.index(day)
    before, after = every[:at][-1:], every[at + 1 :][:1]
    return {
        **{f"← {one}": f"{one}.html" for one in before},
        "All days": INDEX,
        **{f"{one} →": f"{one}.html" for one in after},
    }


def index(book: Ledger, threshold: float) -> str:
    """Return the page that lists all days, the newest first."""
    days = sorted(book.entries)
    rows = [
        {
            "day": day,
            "cells": [
                shown(column, book.entries[day].figures[f"{metric}/{column}"])
                for _, metric, column in COLUMNS
            ],
            "recorded": percent(book.entries[day].coverage_ratio),
            "is_short": is_short(book.entries[day].coverage_ratio, threshold),
        }
        for day in reversed(days)
    ]
    return html.render(
        "index.html",
        project_id=book.project_id,
        head=[name for name, _, _ in COLUMNS],
        rows=rows,
        picture=_picture(book, days),
    )


def _picture(book: Ledger, days: Sequence[date]) -> Picture:
    counts = {day: book.entries[day].figures["chats_offered/sessions_count"] or 0 for day in days}
    top = max(days, key=lambda day: counts[day])
    told = f"{len(days)} days; most on {top}: {counts[top]:.0f}"
    chart = charts.days(counts, CSS)
    return Picture.of(chart, "days", "Chats that began, day by day", told)
