"""Draws a report as one screen of plain text, for whoever runs the desk.

Pure: the report's plain data in, text out. Null is drawn as –, figures from few chats are
marked ~, and a day of which much was not recorded says so before anything else. A metric that has
no place on the screen is drawn below it, as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from analytics.figures import (
    NOTHING,
    change,
    change_of_share,
    duration,
    is_short,
    number,
    percent,
)
from analytics.render import WEEKDAYS, records_as_table
from analytics.reported import Row
from analytics.sections import SECTIONS
from analytics.sheet import Sheet, Style

Show = Callable[[float | None], str]
Compare = Callable[[float | None, float | None], str]

GAPS_SHOWN = 5
MARKS = timedelta(seconds=10)

LABELS = {
    ("chats_offered", "sessions_count"): "chats began",
    ("chats_closed", "sessions_count"): "chats closed",
    ("first_response_human", "p50_s"): "first human reply, median",
    ("first_response_human", "p90_s"): "  90 % within",
    ("queue_time", "p50_s"): "until an agent had it, median",
    ("service_level", "service_level_ratio"): "answered in time",
    ("abandonment", "abandoned_ratio"): "left without an answer",
    ("satisfaction", "mean_rating"): "rating",
}
"""Of the figures that are compared."""


def draw(report: Row, style: Style = lambda text, _: text) -> str:
    """Return the report as text; `style(text, name)` may paint `title` and `warning`."""
    sheet = Sheet(report, style)
    fitting = [section for section in SECTIONS if section.needs <= sheet.told.keys()]
    placed = {name for section in fitting for name in section.needs | section.replaces}
    drawn = [_head(sheet), _comparison(sheet)]
    drawn += [section.draw(sheet) for section in fitting]
    drawn += [_plain(sheet, name) for name in sheet.told if name not in placed]
    return "\n".join(section for section in drawn if section)


def _head(sheet: Sheet) -> str:
    report = sheet.report
    since = date.fromisoformat(report["since"])
    until = date.fromisoformat(report["until"])
    days = (until - since).days
    span = f"{since:%A} {since}" if days == 1 else f"{since} to {until} ({days} days)"
    as_of = f" · as of {sheet.local(report['as_of']):%Y-%m-%d %H:%M}" if "as_of" in report else ""
    ratio = report["coverage"]["ratio"]
    lines = [
        sheet.style(f"Project {report['project_id']} · {span} · {report['tz']}{as_of}", "title"),
        f"Recorded {percent(ratio)} of the time",
    ]
    if is_short(ratio, sheet.threshold):
        lines[-1] = sheet.style(f"{lines[-1]}: the figures below are incomplete", "warning")
    gaps = _worth_telling(report["coverage"]["gaps"])
    for gap in gaps[:GAPS_SHOWN]:
        begin, end = sheet.local(gap["since"]), sheet.local(gap["until"])
        form = "%H:%M:%S" if begin.date() == end.date() and days == 1 else "%Y-%m-%d %H:%M:%S"
        lines.append(f"  missing {begin:{form}} to {end:{form}}  {gap['why'] or NOTHING}")
    if len(gaps) > GAPS_SHOWN:
        lines.append(f"  … and {len(gaps) - GAPS_SHOWN} more (--format json lists them)")
    return "\n".join(lines) + "\n"


def _worth_telling(gaps: list[Row]) -> list[Row]:
    """Leave out the seconds since the last mark of a recorder at work: it marks every 5 s."""
    if not gaps or gaps[-1]["why"] is not None:
        return gaps
    since, until = (datetime.fromisoformat(gaps[-1][edge]) for edge in ("since", "until"))
    return gaps[:-1] if until - since < MARKS else gaps


def _comparison(sheet: Sheet) -> str:
    compared = sheet.report.get("comparison")
    if compared is None:
        return ""
    day = date.fromisoformat(sheet.report["since"])
    before = date.fromisoformat(compared["previous"]["date"])
    weeks = max(row["weekday_count"] for row in compared["figures"])
    head = (
        "Compared",
        f"{day:%a %m-%d}",
        f"{before:%a %m-%d}",
        "change",
        f"mean of {weeks} {WEEKDAYS[day.weekday()]}",
        "change",
    )
    short = [
        f"{one['date']} ({percent(one['coverage_ratio'])})"
        for one in (compared["previous"], *compared["weekdays"])
        if one["coverage_ratio"] and is_short(one["coverage_ratio"], sheet.threshold)
    ]
    left = f"  left out, hardly recorded: {', '.join(short)}\n" if short else ""
    return sheet.table(head, [_compared(row) for row in compared["figures"]]) + left


def _compared(row: Row) -> list[str]:
    shown, changed = _manner(row["column"])
    value, previous, mean = (row[key] for key in ("value", "previous", "weekday_mean"))
    return [
        LABELS[row["metric"], row["column"]],
        shown(value),
        shown(previous),
        changed(value, previous),
        shown(mean),
        changed(value, mean),
    ]


def _manner(column: str) -> tuple[Show, Compare]:
    """Return how a figure is shown, and how its change."""
    if column.endswith("_ratio"):
        return percent, change_of_share
    return (duration if column.endswith("_s") else number), change


def _plain(sheet: Sheet, name: str) -> str:
    rows = sheet.told[name]
    title = sheet.style(name, "title")
    if not rows:
        return f"{title}\n(no rows)\n"
    return f"{title}\n{records_as_table(tuple(rows[0]), rows, sheet.threshold)}"
