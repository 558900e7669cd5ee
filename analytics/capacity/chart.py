"""Draws a plan as pictures: Altair says what is shown, vl-convert makes SVG of it, no browser.

Both come with the extra `report`. What is drawn is the report's plain data; nothing is computed
that it does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from analytics.document import palette
from analytics.document.look import altair
from analytics.document.palette import Palette
from analytics.document.svg import rendered
from analytics.render import WEEKDAYS

if TYPE_CHECKING:
    from altair import LayerChart

Row = dict[str, Any]


@dataclass(frozen=True)
class Theme:
    """The colours of a page: what stands on what."""

    ground: str
    ink: str
    faint: str
    none: str
    most: str
    """The colours of no agents, and of the most."""
    between: str
    """As many as needed, between too few and more than enough."""


def _theme(page: Palette, most: str, between: str) -> Theme:
    return Theme(page.ground, page.ink, page.faint, page.level_0, most, between)


LIGHT = _theme(palette.LIGHT, "#0b4a8f", "#f4f4f2")
DARK = _theme(palette.DARK, "#2f8fdd", "#2a3037")
SHORT, SPARE = "#c8501e", "#2f7fb8"


@dataclass(frozen=True)
class Picture:
    """What a heat map shows: a field of rows with `date` or `weekday`, and `minute`."""

    title: str
    subtitle: str
    field: str
    is_gap: bool = False


REQUIRED = Picture(
    "Agents needed",
    "by day and local time; the stronger the colour, the more",
    "agents_required",
)
GAP = Picture(
    "Agents there, less those needed",
    "as on the last same weekdays; orange: too few, blue: more than enough",
    "agents_gap",
    is_gap=True,
)
CAME = Picture(
    "Chats that needed a human",
    "an average interval of the week",
    "requested_mean",
)


def week(report: Row, theme: Theme = LIGHT) -> str:
    """Return the plan's heat map as SVG; without a plan, that of what came."""
    if report["plan"]:
        return drawn(heat_map(report["plan"], REQUIRED, theme))
    return drawn(heat_map(report["past"], CAME, theme))


def heat_map(rows: Sequence[Row], picture: Picture, theme: Theme = LIGHT) -> LayerChart:
    """Return a chart: a line a day, a cell an interval."""
    alt = altair()
    cells = [cell for row in rows if (cell := _cell(row, picture)) is not None]
    days = list(dict.fromkeys(cell["day"] for cell in cells))
    times = sorted({cell["time"] for cell in cells})
    chart = alt.Chart(alt.Data(values=cells)).encode(
        x=alt.X("time:O", sort=times, title=None, axis=_hours(alt)),
        y=alt.Y("day:O", sort=days, title=None),
        tooltip=[alt.Tooltip("day:O"), alt.Tooltip("time:O"), alt.Tooltip("value:Q")],
    )
    values = [cell["value"] for cell in cells]
    ends = min([*values, -1.0]), max([*values, 1.0])
    tiles = chart.mark_rect(stroke=theme.ground, strokeWidth=1).encode(
        color=_colour(alt, picture, theme, ends)
    )
    layered: LayerChart = alt.layer(tiles, _numbers(alt, chart))
    return _themed(layered, picture, theme, len(times), len(days))


def _cell(row: Row, picture: Picture) -> Row | None:
    value = row[picture.field]
    if value is None:
        return None
    if "date" in row:
        day = f"{date.fromisoformat(row['date']):%a %m-%d}"
    else:
        day = WEEKDAYS[row["weekday"] - 1]
    return {
        "day": day,
        "time": f"{row['minute'] // 60:02}:{row['minute'] % 60:02}",
        "value": round(value, 2),
        "shown": f"{round(value):d}".replace("-", "−"),
    }


def _hours(alt: Any) -> Any:
    """Return an axis that names whole hours only."""
    whole = "substring(datum.value, 3) == '00' ? substring(datum.value, 0, 2) : ''"
    return alt.Axis(labelExpr=whole, labelAngle=0, orient="top", ticks=False, domain=False)


def _colour(alt: Any, picture: Picture, theme: Theme, ends: tuple[float, float]) -> Any:
    """Return how values are coloured; the worst lack is as strong as the most that is too much."""
    if picture.is_gap:
        colours = [SHORT, theme.between, SPARE]
        scale = alt.Scale(domain=[ends[0], 0, ends[1]], range=colours, interpolate="rgb")
    else:
        scale = alt.Scale(domain=[0, ends[1]], range=[theme.none, theme.most], interpolate="rgb")
    return alt.Color("value:Q", legend=None, scale=scale)


def _numbers(alt: Any, chart: Any) -> Any:
    """Return the figures in the cells, in the ink that is easier to read on each."""
    dark, light = palette.LIGHT.ink, palette.LIGHT.ground
    of = "contrast(scale('color', datum.value), '{}')".format
    ink = alt.condition(f"{of(light)} > {of(dark)}", alt.value(light), alt.value(dark))
    return chart.mark_text(fontSize=9).encode(text="shown:N", color=ink)


def _themed(chart: LayerChart, picture: Picture, theme: Theme, times: int, days: int) -> LayerChart:
    themed: LayerChart = (
        chart.properties(
            width=max(320, 18 * times),
            height=22 * max(1, days),
            title={"text": picture.title, "subtitle": picture.subtitle},
            background=theme.ground,
        )
        .configure(font="sans-serif", aria=False)
        .configure_view(stroke=None)
        .configure_title(
            color=theme.ink, subtitleColor=theme.ink, anchor="start", fontSize=15, offset=12
        )
        .configure_axis(labelColor=theme.ink, domainColor=theme.faint, tickColor=theme.faint)
    )
    return themed


def drawn(chart: LayerChart) -> str:
    """Return a chart as SVG."""
    return rendered(chart.to_dict()) + "\n"
