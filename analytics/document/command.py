"""What `analytics report` does for documents: reads, draws, writes; or a page for every day."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analytics import queries
from analytics.errors import SettingWrong
from analytics.output import write

if TYPE_CHECKING:
    from analytics.document.material import Material, Progress
    from analytics.request import Request
    from analytics.window import Window

FORMATS = ("html", "markdown")


def report(
    request: Request,
    names: tuple[str, ...],
    form: str,
    output: Path | None,
    *,
    compare: bool,
    progress: Progress,
) -> None:
    """Write a report as one HTML file, or as Markdown."""
    from analytics.document import markdown, material

    if form == "markdown":
        window = request.asked()
        told = material.report_of(request, window, names, compare=compare, progress=progress)
        write(markdown.text(told), output)
        return
    from analytics.document import html, svg

    svg.check()
    found = material.read(request, request.asked(), names, compare=compare, progress=progress)
    write(html.page(found), output)


def every_day(
    request: Request, names: tuple[str, ...], folder: Path, *, compare: bool, is_forced: bool
) -> None:
    """Write a page for every day into a folder, and an index; say how many were written."""
    from analytics.document import daybook, ledger, material, svg

    svg.check()
    if not set(queries.REPORT) <= set(names):
        raise SettingWrong("--every-day: tells the whole report; leave out --metrics")

    def read(window: Window) -> Material:
        return material.read(request, window, names, compare=compare, progress=nullcontext)

    asked = daybook.windows(request)
    made_by = ledger.maker(request, names, compare=compare)
    pages = daybook.write_pages(request, folder, asked, read, made_by, is_forced=is_forced)
    hidden = not sys.stderr.isatty()
    with click.progressbar(pages, length=len(asked), file=sys.stderr, hidden=hidden) as shown:
        written = sum(shown)
    click.echo(f"{folder}: {written} pages written, {len(asked) - written} kept", err=True)
