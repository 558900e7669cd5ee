"""Draws a plan as plain text: what it rests on, the weeks at a glance, then day by day.

Pure: the report's plain data in, text out. Null is drawn as –; a desk without a steady state is
called understaffed, in words, and has no figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby
from textwrap import wrap
from typing import Any

from analytics.capacity import words
from analytics.render import grid

Row = dict[str, Any]
Style = Callable[[str, str], str]

WIDTH = 100
HOURS = [f"{hour:02}" for hour in range(24)]
BAR = "│"


def draw(report: Row, style: Style = lambda text, _: text) -> str:
    """Return the report as text; `style(text, name)` may paint `title` and `warning`."""
    parts = [
        style(words.title(report), "title") + "\n",
        _basis(report, style),
        _weeks(report, style),
        *_days(report, style),
        _table("Work that can wait", words.DEFERRED, words.deferred(report), style),
        _table("What happened", words.PAST, words.past(report), style),
        "".join(_wrapped("Note", note) + "\n" for note in report["notes"]),
    ]
    return "\n".join(part for part in parts if part)


def _basis(report: Row, style: Style) -> str:
    told = words.basis(report)
    width = max(len(name) for name, _, _ in told)
    lines = []
    for name, text, is_warning in told:
        line = _wrapped(f"{name:{width}}", text)
        lines.append(style(line, "warning") if is_warning else line)
    return "\n".join(lines) + "\n"


def _wrapped(name: str, text: str) -> str:
    return "\n".join(
        wrap(text, WIDTH, initial_indent=f"{name}  ", subsequent_indent=" " * (len(name) + 2))
    )


def _weeks(report: Row, style: Style) -> str:
    """Return the most agents that each hour takes."""
    return _table("Agents needed", ("", *HOURS), words.by_hour(report["plan"]), style)


def _days(report: Row, style: Style) -> Iterator[str]:
    other = {row["since"]: row for row in words.supposed(report)}
    head = (*words.INTERVAL, BAR, *words.STAFFED) if other else words.INTERVAL
    for day, rows in groupby(report["plan"], lambda row: row["date"]):
        lines = []
        for row in filter(words.is_busy, rows):
            line = words.interval(row)
            if other:
                line += [BAR, *words.staffed(other[row["since"]])]
            lines.append(line)
        when = f"{date.fromisoformat(day):%A} {day}"
        yield _table(when, head, lines, style) or f"{when}: nobody is needed\n"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    if not rows:
        return ""
    first, _, rest = grid((title, *head[1:]), rows).partition("\n")
    return f"{style(first, 'title')}\n{rest}"


def replayed(report: Row, style: Style = lambda text, _: text) -> str:
    """Return a day that was replayed as text."""
    title, text = words.replay(report)
    head, rows = words.replayed(report)
    told = "\n".join(wrap(text, WIDTH)) + "\n"
    return "\n".join([style(title, "title") + "\n", told, _table("", head, rows, style)])
