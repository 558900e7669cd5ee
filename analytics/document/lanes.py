"""Pictures with a lane a row: agents' days, waits, the week. Rows in, an Altair chart out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any

from analytics.document.clock import Clock
from analytics.document.look import (
    Row,
    altair,
    bands,
    clock_axis,
    finished,
    hour_axis,
    missed,
    series,
    times,
)
from analytics.document.palette import LIGHT, Palette
from analytics.document.svg import UNRECORDED, WIDE_ONLY
from analytics.figures import duration, number
from analytics.render import WEEKDAYS

if TYPE_CHECKING:
    from altair import LayerChart

LANE = 38
NAME_WIDTH = 220
"""Pixels that a name may take: as many as a phone has for it."""
_TOP, _BOTTOM = 0.42, 0.94
"""The part of a lane below its name."""
EXPOSED_H = 0.5
"""An hour of which less was recorded tells no rate."""

AVAILABLE, AT_LIMIT, CHATS = "available", "available, at the limit", "chats at once"


def timeline(
    stretches: Sequence[Row], gaps: Sequence[Row], clock: Clock, palette: Palette = LIGHT
) -> LayerChart:
    """Return each agent's day: when available, at the limit, and with how many chats at once."""
    people = list(dict.fromkeys((row["agent_name"], row["agent_id"]) for row in stretches))
    most = max((row["chats_count"] for row in stretches), default=0) or 1
    there, chats, names = [], [], []
    for lane, person in enumerate(people):
        own = [row for row in stretches if (row["agent_name"], row["agent_id"]) == person]
        there += _states(own, lane, clock)
        chats += _chats(own, lane, most, clock)
        peak = max(row["chats_count"] for row in own)
        names.append({"y": lane + 0.22, "name": person[0], "told": f"{peak} at most"})
    axis = clock_axis(clock)
    colour = series([AVAILABLE, AT_LIMIT, CHATS], [palette.soft, palette.second, palette.main])
    layers = [
        *bands(missed(gaps, clock), axis, palette),
        _lanes([*there, *chats], axis, len(people), colour),
        *_named(names, axis, (0.0, clock.length), len(people), palette),
    ]
    return finished(layers, palette, LANE * max(1, len(people)) + 50)


def _states(own: Sequence[Row], lane: int, clock: Clock) -> list[Row]:
    """Return when an agent was available, one piece a state."""
    rows = []
    known = [row for row in own if row["is_available"]]
    for state, pieces in groupby(known, lambda row: AT_LIMIT if row["is_at_limit"] else AVAILABLE):
        for since, until in _joined(pieces, clock):
            rows.append(
                {"x": since, "x2": until, "y": lane + _TOP, "y2": lane + _BOTTOM, "series": state}
            )
    return rows


def _joined(pieces: Any, clock: Clock) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for row in pieces:
        since, until = clock.hours(row["since"]), clock.hours(row["until"])
        if found and found[-1][1] == since:
            since = found.pop()[0]
        found.append((since, until))
    return found


def _chats(own: Sequence[Row], lane: int, most: int, clock: Clock) -> list[Row]:
    """Return how many chats an agent had, as bars: the most of all agents fill a lane."""
    rows = []
    for count, pieces in groupby(own, lambda row: row["chats_count"]):
        top = lane + _BOTTOM - (_BOTTOM - _TOP - 0.06) * count / most
        for since, until in _joined(pieces, clock) if count else ():
            rows.append({"x": since, "x2": until, "y": top, "y2": lane + _BOTTOM, "series": CHATS})
    return rows


def _lanes(rows: Sequence[Row], axis: Any, count: int, colour: Any) -> Any:
    alt = altair()
    chart = alt.Chart(alt.Data(values=list(rows))).mark_rect()
    return chart.encode(x=axis, x2="x2:Q", y=_lane_axis(count), y2="y2:Q", color=colour)


def _lane_axis(count: int) -> Any:
    alt = altair()
    return alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[max(1, count), 0], nice=False))


def _named(
    names: Sequence[Row], axis: Any, ends: tuple[float, float], count: int, palette: Palette = LIGHT
) -> list[Any]:
    """Return the lanes' names, and what is told at their right end."""
    alt = altair()

    def texts(field: str, at: float, **style: Any) -> Any:
        rows = [{"x": at, "y": row["y"], "text": row[field]} for row in names]
        chart = alt.Chart(alt.Data(values=rows)).mark_text(limit=NAME_WIDTH, **style)
        return chart.encode(x=axis, y=_lane_axis(count), text="text:N")

    return [
        texts("name", ends[0], align="left", color=palette.ink, fontSize=12),
        texts("told", ends[1], align="right", color=palette.quiet, fontSize=11),
    ]


def waits(rows: Sequence[Row], palette: Palette = LIGHT) -> LayerChart:
    """Return times of a name each: the median, and within what 90 % and 95 % lay."""
    alt = altair()
    known = [row for row in rows if row["p50_s"] is not None]
    most = max((row["p95_s"] for row in known), default=60.0)
    bars, names = [], []
    shades = ("half", "90 %", "95 %")
    for lane, row in enumerate(known):
        ends = [1.0, *(max(1.0, row[name]) for name in ("p50_s", "p90_s", "p95_s"))]
        for shade, since, until in zip(shades, ends, ends[1:], strict=False):
            bars.append(
                {"x": since, "x2": until, "y": lane + 0.5, "y2": lane + 0.82, "series": shade}
            )
        ends_told = (
            f"{duration(row['p50_s'])} · {duration(row['p90_s'])} · {duration(row['p95_s'])}"
        )
        names.append({"y": lane + 0.25, "name": row["name"], "told": ends_told})
    axis = times(partial(alt.X, "x:Q"), 1.0, most, grid=False, labelOverlap=True)
    colour = series(shades, [palette.main, palette.soft, palette.rest])
    name, told = _named(names, axis, (1.0, max(10.0, most)), len(known), palette)
    told.name = WIDE_ONLY
    layers = [_lanes(bars, axis, len(known), colour), name, told]
    return finished(layers, palette, LANE * max(1, len(known)) + 50)


def week(rows: Sequence[Row], palette: Palette = LIGHT) -> LayerChart:
    """Return how many chats began in each hour of the week, for each such hour recorded."""
    alt = altair()
    known = [row for row in rows if row["exposure_h"] >= EXPOSED_H]
    step = _step(max((row["arrivals_per_h"] for row in known), default=0.0))
    named = ["none", *(f"to {number(step * level)}" for level in range(1, 6)), UNRECORDED]
    tiles, figures = [], []
    for row in rows:
        rate = row["arrivals_per_h"] if row in known else None
        level = 6 if rate is None else min(5, ceil(rate / step))
        at = {"x": row["hour"] + 0.03, "x2": row["hour"] + 0.97, "y": row["weekday"] - 0.97}
        tiles.append(at | {"y2": row["weekday"] - 0.03, "series": named[level]})
        if rate is not None and round(rate):
            ink = palette.on_level if level >= 4 else palette.ink
            figures.append(
                {
                    "x": row["hour"] + 0.5,
                    "y": row["weekday"] - 0.5,
                    "told": f"{round(rate)}",
                    "ink": ink,
                }
            )
    axis, days = hour_axis(), _weekdays()
    colour = series(named, [*palette.levels, palette.gap])
    chart = alt.Chart(alt.Data(values=tiles)).mark_rect()
    layers = [chart.encode(x=axis, x2="x2:Q", y=days, y2="y2:Q", color=colour)]
    texts = alt.Chart(alt.Data(values=figures), name=WIDE_ONLY).mark_text(fontSize=10)
    layers.append(texts.encode(x=axis, y=days, text="told:N", color=alt.Color("ink:N", scale=None)))
    return finished(layers, palette, 230)


def _step(most: float) -> float:
    """Return the width of a level: whole, or of tenths where little comes."""
    return ceil(most / 5) if most > 5 else max(1, ceil(most * 2)) / 10


def _weekdays() -> Any:
    alt = altair()
    axis = alt.Axis(
        values=[day + 0.5 for day in range(7)],
        labelExpr=f"{list(WEEKDAYS)}[floor(datum.value)]",
        title=None,
        grid=False,
        domain=False,
        ticks=False,
        minExtent=30,
        maxExtent=30,
    )
    return alt.Y("y:Q", axis=axis, scale=alt.Scale(domain=[7, 0], nice=False))
