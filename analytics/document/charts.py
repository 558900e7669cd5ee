"""The pictures of a day, each a function: rows of metrics and views in, an Altair chart out.

Pages draw them with colours that follow the screen, notebooks with plain ones. Nothing is read
here, and nothing computed that the rows do not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from analytics.document.clock import Clock
from analytics.document.look import (
    Row,
    Span,
    altair,
    bands,
    clock_axis,
    finished,
    hour_axis,
    missed,
    series,
    shares,
    times,
    whole_numbers,
)
from analytics.document.palette import LIGHT, Palette
from analytics.document.svg import UNRECORDED
from analytics.reported import FEW

if TYPE_CHECKING:
    from altair import LayerChart

HEIGHT = 120
_INSET = 0.08
"""Which share of its place a bar leaves free on either side."""


def arrivals(
    backlog: Sequence[Row], gaps: Sequence[Row], clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return how many chats began in each interval, and how many were closed."""
    rows = [_bar(row, clock) | {"y": row["opened_count"], "series": "began"} for row in backlog]
    ends = [
        _bar(row, clock, inset=0) | {"y": row["closed_count"], "series": "closed"}
        for row in backlog
    ]
    axis, shown = clock_axis(clock), missed(gaps, clock)
    colour = series(["began", "closed"], [palette.main, palette.second])
    layers = [
        *bands(shown, axis, palette),
        _rects(rows, axis, whole_numbers(rows, ends), colour),
        _steps(ends, axis, whole_numbers(rows, ends), colour),
    ]
    return finished(layers, palette, HEIGHT)


STATES = ("waiting for an agent", "with an agent", "with a bot", "set aside, or with nobody")


def backlog(
    rows: Sequence[Row], gaps: Sequence[Row], clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return how many chats were open when each interval began, by what they waited for."""
    stacked = []
    for row in rows:
        if row["open_count"] is None:
            continue
        known = [row["waiting_count"], row["agent_count"], row["bot_count"]]
        below = 0
        for state, count in zip(STATES, [*known, row["open_count"] - sum(known)], strict=True):
            if count:
                stacked.append(
                    _bar(row, clock) | {"y0": below, "y": below + count, "series": state}
                )
            below += count
    colours = [palette.warn, palette.main, palette.soft, palette.rest]
    axis = clock_axis(clock)
    layers = [
        *bands(missed(gaps, clock), axis, palette),
        _rects(stacked, axis, whole_numbers(stacked), series(STATES, colours)),
    ]
    return finished(layers, palette, HEIGHT + 30)


def agents(
    intervals: Sequence[Row], gaps: Sequence[Row], clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return how many agents were available in each interval, and how many had chats."""
    there = _levels(intervals, "agents_mean", "available", clock)
    busy = _levels(intervals, "busy_mean", "at work on live chats", clock)
    axis = clock_axis(clock)
    colour = series(["available", "at work on live chats"], [palette.soft, palette.second])
    layers = [
        *bands(missed(gaps, clock), axis, palette),
        _rects(there, axis, whole_numbers(there, busy), colour),
        _steps(busy, axis, whole_numbers(there, busy), colour),
    ]
    return finished(layers, palette, HEIGHT)


def staffing(
    rows: Sequence[Row], gaps: Sequence[Row], clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return how many agents each interval took, and how many there were."""
    there = _levels(rows, "agents_mean", "available", clock)
    needed = _levels(rows, "agents_required", "required", clock)
    axis = clock_axis(clock)
    colour = series(["available", "required"], [palette.soft, palette.warn])
    layers = [
        *bands(missed(gaps, clock), axis, palette),
        _rects(there, axis, whole_numbers(there, needed), colour),
        _steps(needed, axis, whole_numbers(there, needed), colour),
    ]
    return finished(layers, palette, HEIGHT + 20)


def recording(
    gaps: Sequence[Row], until: float, clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return which parts of the day were recorded, up to so many hours after midnight."""
    named = ["recorded", UNRECORDED]
    whole = [{"x": 0.0, "x2": until, "y": 1, "series": named[0]}]
    holes = [
        {"x": since, "x2": end, "y": 1, "series": named[1]} for since, end in missed(gaps, clock)
    ]
    alt = altair()
    colour = series(named, [palette.main, palette.warn])
    layer = _rects([*whole, *holes], clock_axis(clock), alt.Y("y:Q", axis=None), colour)
    return finished([layer], palette, 50)


def service_level(hours: Sequence[Row], threshold: float, palette: Palette = LIGHT) -> LayerChart:
    """Return which share of the chats of each hour were answered in time."""
    named = ["answered in time", f"the same, fewer than {FEW} chats"]
    rows = [
        _of_hour(row, "hour")
        | {"y": row["service_level_ratio"], "series": named[row["base_count"] < FEW]}
        for row in hours
        if row["service_level_ratio"] is not None
    ]
    axis = hour_axis()
    layers = [
        *bands(_unrecorded(hours, threshold), axis, palette),
        _rects(rows, axis, shares(), series(named, [palette.main, palette.soft])),
    ]
    return finished(layers, palette, HEIGHT)


def needing(hours: Sequence[Row], threshold: float, palette: Palette = LIGHT) -> LayerChart:
    """Return what became of the chats of each hour that needed a human."""
    named = ("answered in time", "answered late", "left without an answer", "waiting too long")
    stacked = []
    for row in hours:
        late = row["answered_count"] - row["in_time_count"]
        told = [row["in_time_count"], late, row["abandoned_count"], row["overdue_count"]]
        below = 0
        for name, count in zip(named, told, strict=True):
            if count:
                stacked.append(
                    _of_hour(row, "hour") | {"y0": below, "y": below + count, "series": name}
                )
            below += count
    axis = hour_axis()
    colour = series(named, [palette.main, palette.soft, palette.warn, palette.second])
    layers = [
        *bands(_unrecorded(hours, threshold), axis, palette),
        _rects(stacked, axis, whole_numbers(stacked), colour),
    ]
    return finished(layers, palette, HEIGHT)


def waits_by_hour(hours: Sequence[Row], threshold: float, palette: Palette = LIGHT) -> LayerChart:
    """Return how long visitors waited in each hour: half of them, and nine in ten."""
    alt = altair()
    rows = [
        {"x": int(row["hour"]) + 0.5, "y": max(1.0, row["p50_s"]), "y2": max(1.0, row["p90_s"])}
        for row in hours
        if row["p50_s"] is not None
    ]
    named = ["median", "90 % within"]
    dots = [
        {"x": row["x"], "y": row[key], "series": name}
        for row in rows
        for key, name in zip(("y", "y2"), named, strict=True)
    ]
    axis = hour_axis()
    least = min((row["y"] for row in rows), default=1.0)
    most = max((row["y2"] for row in rows), default=60.0)
    channel = partial(alt.Y, "y:Q")
    vertical = times(channel, least, most, domain=False, ticks=False, minExtent=30, maxExtent=30)
    lines = alt.Chart(alt.Data(values=rows)).mark_rule(color=palette.soft, strokeWidth=5)
    points = alt.Chart(alt.Data(values=dots)).mark_point(filled=True, size=50, opacity=1)
    layers = [
        *bands(_unrecorded(hours, threshold), axis, palette),
        lines.encode(x=axis, y=vertical, y2="y2:Q"),
        points.encode(x=axis, y=vertical, color=series(named, [palette.main, palette.second])),
    ]
    return finished(layers, palette, HEIGHT + 30)


def patience(rows: Sequence[Row], palette: Palette = LIGHT) -> LayerChart:
    """Return which share of visitors would still wait after how long, if nobody served them."""
    alt = altair()
    curve = [
        {"x": 1.0, "y": 1.0},
        *({"x": max(1.0, row["wait_s"]), "y": row["still_waiting_ratio"]} for row in rows),
    ]
    most = max(point["x"] for point in curve)
    line = alt.Chart(alt.Data(values=curve)).mark_line(
        interpolate="step-after", color=palette.main, strokeWidth=2
    )
    across = times(partial(alt.X, "x:Q"), 1.0, most, grid=False, labelOverlap=True)
    return finished([line.encode(x=across, y=shares())], palette, HEIGHT)


def ratings(row: Row, palette: Palette = LIGHT) -> LayerChart:
    """Return how many ratings there were of each number of stars."""
    alt = altair()
    colours = (palette.warn, palette.warn, palette.rest, palette.main, palette.main)
    rows = [
        {"stars": f"{stars} ★", "y": row[f"rating_{stars}_count"], "colour": colour}
        for stars, colour in enumerate(colours, 1)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y(
            "stars:N",
            sort=[f"{stars} ★" for stars in range(5, 0, -1)],
            axis=alt.Axis(title=None, domain=False, ticks=False, minExtent=30),
        ),
        x=alt.X("y:Q", axis=None),
    )
    bars = base.mark_bar(height=14).encode(color=alt.Color("colour:N", scale=None))
    figures = base.mark_text(align="left", dx=4, color=palette.ink, fontSize=11)
    return finished([bars, figures.encode(text="y:Q")], palette, HEIGHT)


def days(counts: Mapping[date, float], palette: Palette = LIGHT) -> LayerChart:
    """Return a bar a day; days between the first and the last that are not told stay empty."""
    alt = altair()
    first, last = min(counts), max(counts)
    length = (last - first).days + 1
    rows = [
        {
            "x": (day - first).days + _INSET,
            "x2": (day - first).days + 1 - _INSET,
            "y": count,
            "y0": 0,
        }
        for day, count in counts.items()
    ]
    apart = max(1, length // 6)
    names = [f"{first + timedelta(days=n):%d %b}" for n in range(length)]
    axis = alt.Axis(
        values=list(range(0, length, apart)),
        labelExpr=f"{names}[datum.value]",
        labelAlign="left",
        labelOverlap=True,
        title=None,
        grid=False,
    )
    across = alt.X("x:Q", axis=axis, scale=alt.Scale(domain=[0, length], nice=False))
    bars = alt.Chart(alt.Data(values=rows)).mark_rect(color=palette.main)
    return finished(
        [bars.encode(x=across, x2="x2:Q", y=whole_numbers(rows), y2="y0:Q")], palette, HEIGHT
    )


def _bar(row: Row, clock: Clock, inset: float = _INSET) -> Row:
    since, until = clock.hours(row["since"]), clock.hours(row["until"])
    free = (until - since) * inset
    return {"x": since + free, "x2": until - free}


def _of_hour(row: Row, name: str) -> Row:
    hour = int(row[name])
    return {"x": hour + _INSET, "x2": hour + 1 - _INSET}


def _levels(rows: Iterable[Row], field: str, name: str, clock: Clock) -> list[Row]:
    return [
        _bar(row, clock, inset=0) | {"y": row[field], "series": name}
        for row in rows
        if row[field] is not None and row["coverage_ratio"]
    ]


def _unrecorded(hours: Iterable[Row], threshold: float) -> list[Span]:
    return [
        (int(row["hour"]), int(row["hour"]) + 1)
        for row in hours
        if row["coverage_ratio"] is not None and row["coverage_ratio"] < threshold
    ]


def _rects(rows: Sequence[Row], x: Any, y: Any, colour: Any) -> Any:
    alt = altair()
    based = [{"y0": 0, **row} for row in rows]
    chart = alt.Chart(alt.Data(values=based)).mark_rect()
    return chart.encode(x=x, x2="x2:Q", y=y, y2="y0:Q", color=colour)


def _steps(rows: Sequence[Row], x: Any, y: Any, colour: Any) -> Any:
    alt = altair()
    chart = alt.Chart(alt.Data(values=list(rows))).mark_rule(strokeWidth=2)
    return chart.encode(x=x, x2="x2:Q", y=y, color=colour)
