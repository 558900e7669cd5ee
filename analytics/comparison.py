"""Holds a day's headline figures against the day before and the same weekday of four weeks.

All those days are read at once, and with them only what the headline figures need. A day of which
too little was recorded is no measure: it is named, and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from analytics import metrics
from analytics.archive import Archive
from analytics.errors import WindowWrong
from analytics.figures import is_short
from analytics.window import Window

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
WEEKS = 4
LOOK_AHEAD = DAY
"""What comes later hardly changes a headline figure: each is counted where its anchor lies."""

Row = dict[str, Any]


class Reopen(Protocol):
    """Opens the archive for other days, and a few metrics only."""

    def __call__(self, window: Window, *, only: Sequence[str], at_most: timedelta) -> Archive: ...


class Headline(NamedTuple):
    """A figure that is compared."""

    metric: str
    column: str


HEADLINES = (
    Headline("chats_offered", "sessions_count"),
    Headline("chats_closed", "sessions_count"),
    Headline("first_response_human", "p50_s"),
    Headline("first_response_human", "p90_s"),
    Headline("queue_time", "p50_s"),
    Headline("service_level", "service_level_ratio"),
    Headline("abandonment", "abandoned_ratio"),
    Headline("satisfaction", "mean_rating"),
)


def compare(report: Row, archive: Archive, reopen: Reopen) -> Row:
    """Return what a report has to say of earlier days, under `comparison`.

    Nothing if it is not about one day that is over, or has no headline figure. `reopen` opens the
    archive for other days, and a few metrics only.
    """
    told, window = report["metrics"], archive.window
    wanted = [one for one in HEADLINES if one.metric in told]
    if not wanted or window.is_cut or len(window.days()) != 1:
        return {}
    previous = window.since - DAY
    weekdays = [window.since - n * WEEK for n in range(1, WEEKS + 1)]
    coverage, answers = _answers(earlier(window, (previous, *weekdays)), wanted, reopen)
    threshold = archive.settings.coverage_threshold
    relied = {day for day, ratio in coverage.items() if not is_short(ratio, threshold)}

    def figure(one: Headline) -> Row:
        found = {day: answers[one.metric][day][one.column] for day in relied}
        past = [found[day] for day in weekdays if found.get(day) is not None]
        return {
            **one._asdict(),
            "value": told[one.metric][-1][one.column],
            "previous": found.get(previous),
            "weekday_mean": sum(past) / len(past) if past else None,
            "weekday_count": len(past),
        }

    return {
        "comparison": {
            "previous": _day(previous, coverage),
            "weekdays": [_day(day, coverage) for day in weekdays],
            "figures": [figure(one) for one in wanted],
        }
    }


def earlier(window: Window, days: tuple[date, ...]) -> Window:
    """Return earlier days of a window's place, as they were known when it is."""
    return Window(min(days), window.since, window.tz, window.now, window.is_past, days)


def _answers(
    window: Window, wanted: Sequence[Headline], reopen: Reopen
) -> tuple[dict[date, float], dict[str, dict[date, Row]]]:
    """Return each day's coverage, and its row of each metric."""
    names = sorted({one.metric for one in wanted})
    try:
        archive = reopen(window, only=names, at_most=LOOK_AHEAD)
    except WindowWrong:  # before the recording began
        return {}, {}
    with archive:
        cells = archive.query("select date, coverage_ratio from cells where date is not null")
        answers = {
            name: {row["date"]: row for row in metrics.run(archive, name).records()}
            for name in names
        }
    return dict(cells.rows), answers


def _day(day: date, coverage: Mapping[date, float]) -> Row:
    return {"date": day.isoformat(), "coverage_ratio": coverage.get(day)}
