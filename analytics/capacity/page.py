"""Writes a plan as one HTML file: pictures, then the figures behind them. No script, no network.

Everything that comes from the archive is escaped. It follows the reader's light or dark screen,
and whoever does not see the pictures is told what they show.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from itertools import groupby
from typing import Any

from analytics.capacity import chart, words
from analytics.capacity.chart import CAME, DARK, GAP, LIGHT, REQUIRED, Picture

Row = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1f2933; --faint: #d9dee3;
  --warn: #a63d10; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181d; --ink: #e6e9ec; --faint: #39424c; --warn: #ff9a6b; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
img { display: block; max-width: 100%; min-width: 44rem; height: auto; margin-top: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--faint);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.basis th, .basis td { text-align: left; white-space: normal; vertical-align: top; }
.basis th { white-space: nowrap; }
.warning { color: var(--warn); font-weight: 600; }
summary { cursor: pointer; font-weight: 600; margin: .4rem 0; }
"""


def draw(reports: Sequence[Row]) -> str:
    """Return the page, a plan after the other."""
    title = escape(words.title(reports[0]))
    body = "\n".join(part for report in reports for part in _parts(report))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(report: Row) -> Iterator[str]:
    yield f"<h1>{escape(words.title(report))}</h1>"
    yield _basis(report)
    yield from _pictures(report)
    yield from _days(report)
    yield from _deferred(report)
    yield from _past(report)
    for note in report["notes"]:
        yield f"<p>{escape(note)}</p>"


def _basis(report: Row) -> str:
    rows = "\n".join(
        f'<tr class="{"warning" if is_warning else "fine"}">'
        f'<th scope="row">{escape(name)}</th><td>{_unbroken(text)}</td></tr>'
        for name, text, is_warning in words.basis(report)
    )
    return f'<table class="basis">\n{rows}\n</table>'


def _unbroken(text: str) -> str:
    """Return a text in which no line ends between a number and its sign of per cent."""
    return escape(text.replace(" %", "\N{NO-BREAK SPACE}%"))


def _pictures(report: Row) -> Iterator[str]:
    if not report["plan"]:
        yield _picture(report["past"], CAME, words.busiest_past(report["past"]))
        return
    yield _picture(report["plan"], REQUIRED, words.busiest(report["plan"]))
    if any(row["agents_gap"] is not None for row in report["plan"]):
        yield _picture(report["plan"], GAP, words.shortest(report["plan"]))


def _picture(rows: Sequence[Row], picture: Picture, alt: str) -> str:
    """Return a picture for light and for dark screens, with a text for who sees none."""
    light, dark = (
        b64encode(chart.drawn(chart.heat_map(rows, picture, theme)).encode()).decode()
        for theme in (LIGHT, DARK)
    )
    return (
        '<div class="scroll"><picture><source media="(prefers-color-scheme: dark)"'
        f' srcset="data:image/svg+xml;base64,{dark}">'
        f'<img alt="{escape(f"{picture.title}: {alt}")}"'
        f' src="data:image/svg+xml;base64,{light}"></picture></div>'
    )


def _days(report: Row) -> Iterator[str]:
    plans = [("", report["plan"]), (" (supposed)", words.supposed(report))]
    for told, plan in plans:
        if plan:
            yield f"<h2>Intervals{told}</h2>"
        for day, rows in groupby(plan, lambda row: row["date"]):
            lines = [words.interval(row) for row in rows if words.is_busy(row)]
            when = f"{date.fromisoformat(day):%A} {day}"
            yield _table(words.INTERVAL, lines, when) if lines else f"<p>{when}: nobody needed</p>"


def _deferred(report: Row) -> Iterator[str]:
    if rows := words.deferred(report):
        yield "<h2>Work that can wait</h2>"
        yield _table(words.DEFERRED, rows)


def _past(report: Row) -> Iterator[str]:
    if rows := words.past(report):
        yield "<h2>What happened</h2>"
        yield _table(words.PAST, rows, "By time of the week")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], summary: str = "") -> str:
    named = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    table = (
        f'<div class="scroll"><table>\n<thead><tr>{named}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table></div>"
    )
    if not summary:
        return table
    return f"<details><summary>{escape(summary)}</summary>{table}</details>"
