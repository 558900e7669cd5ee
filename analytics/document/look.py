"""How every chart looks: ink, axes, marks of gaps. What it shows is up to `charts` and `lanes`."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from analytics.document.clock import Clock
from analytics.document.palette import LIGHT, Palette
from analytics.document.svg import GAPS, check
from analytics.figures import duration

if TYPE_CHECKING:
    from altair import LayerChart

Row = dict[str, Any]
Span = tuple[float, float]
"""From and to, on an axis."""

WIDTH = 700
HOURS_APART = 3
"""An axis has a mark where the clock shows an hour that is a multiple of it."""
FONT = "system-ui, sans-serif"
TEXT = 11
TITLE = 70
"""Pixels of a title and a legend above a chart."""
SECONDS = (1, 10, 60, 600, 3600, 21_600, 86_400, 604_800)
"""Where an axis of times has its marks."""


def altair() -> Any:
    """Return the library, or say how to get it."""
    check()
    import altair as alt

    return alt


def finished(layers: Sequence[Any], palette: Palette, height: int) -> LayerChart:
    """Return layers as one chart; all is told at once, as each step would copy the rows."""
    alt = altair()
    chart: LayerChart = alt.LayerChart(
        layer=list(layers),
        width=WIDTH,
        height=height,
        background="transparent",
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        padding=2,
        config=_config(alt, palette),
    )
    return chart


def _config(alt: Any, palette: Palette) -> Any:
    return alt.Config(
        aria=False,
        font=FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=palette.quiet,
            titleColor=palette.quiet,
            domainColor=palette.faint,
            tickColor=palette.faint,
            gridColor=palette.faint,
            labelFontSize=TEXT,
        ),
        legend=alt.LegendConfig(
            orient="top",
            direction="horizontal",
            title=None,
            labelColor=palette.ink,
            labelFontSize=TEXT,
            labelLimit=260,
            symbolType="square",
            symbolStrokeWidth=0,
            columnPadding=30,
        ),
    )


def titled(chart: Any, finding: str, told: str) -> Any:
    """Return a chart for a notebook, which has no page around it: what it says, and in what."""
    alt = altair()
    title = alt.Title(
        finding, subtitle=told, anchor="start", subtitleColor=LIGHT.quiet, color=LIGHT.ink
    )
    named = chart.properties(
        title=title, background=LIGHT.ground, padding=8, config=_config(alt, LIGHT)
    )
    if named.autosize is not alt.Undefined:  # the title takes its place from the picture
        named.height += TITLE
    return named


def series(names: Sequence[str], colours: Sequence[str]) -> Any:
    """Return the colours of named series, with a legend."""
    alt = altair()
    scale = alt.Scale(domain=list(names), range=list(colours))
    return alt.Color("series:N", scale=scale, legend=alt.Legend(title=None))


def clock_axis(clock: Clock) -> Any:
    """Return the axis of a local day."""
    return _hours(clock.names(), clock.length)


def hour_axis() -> Any:
    """Return the axis of a local clock's hours, whatever days they are of."""
    return _hours([f"{hour:02}" for hour in range(25)], 24)


def _hours(names: list[str], length: float) -> Any:
    alt = altair()
    axis = alt.Axis(
        values=[at for at, name in enumerate(names) if int(name[:2]) % HOURS_APART == 0],
        labelExpr=f"{names}[datum.value]",
        title=None,
        grid=False,
        labelFlush=True,
    )
    return alt.X("x:Q", scale=alt.Scale(domain=[0, length], nice=False), axis=axis)


def whole_numbers(*shown: Sequence[Row]) -> Any:
    """Return the axis of what some layers show; those of a page are aligned."""
    alt = altair()
    most = max((row["y"] for rows in shown for row in rows), default=0)
    axis = alt.Axis(
        title=None,
        tickCount=min(4, max(1, ceil(most))),
        tickMinStep=1,
        domain=False,
        ticks=False,
        minExtent=30,
        maxExtent=30,
    )
    return alt.Y("y:Q", axis=axis, scale=alt.Scale(domain=[0, max(1, most)], nice=True))


def shares() -> Any:
    """Return the axis of shares."""
    alt = altair()
    axis = alt.Axis(
        title=None, format="%", tickCount=5, domain=False, ticks=False, minExtent=30, maxExtent=30
    )
    return alt.Y("y:Q", axis=axis, scale=alt.Scale(domain=[0, 1]))


def times(channel: Any, least: float, most: float, **told: Any) -> Any:
    """Return the logarithmic axis of times that lie between two, a second or more."""
    alt = altair()
    low = max((one for one in SECONDS if one <= least), default=SECONDS[0])
    labels = {str(second): _short(second) for second in SECONDS}
    values = [second for second in SECONDS if low <= second <= most]
    axis = alt.Axis(values=values, labelExpr=f"{labels}[datum.value]", title=None, **told)
    scale = alt.Scale(type="log", domain=[low, max(10.0 * low, most)], clamp=True, nice=False)
    return channel(scale=scale, axis=axis)


def _short(seconds: float) -> str:
    return duration(seconds).removesuffix(" 00s").removesuffix(" 00m").replace("1.0s", "1s")


def bands(spans: Sequence[Span], axis: Any, palette: Palette) -> list[Any]:
    """Return a layer that marks what was not recorded; none if nothing is missing."""
    if not spans:
        return []
    alt = altair()
    rows = [{"x": since, "x2": until} for since, until in spans]
    chart = alt.Chart(alt.Data(values=rows), name=GAPS).mark_rect(color=palette.gap)
    return [chart.encode(x=axis, x2="x2:Q")]


def missed(gaps: Sequence[Row], clock: Clock) -> list[Span]:
    """Return the gaps of a report on the axis of a day."""
    found = [(clock.hours(gap["since"]), clock.hours(gap["until"])) for gap in gaps]
    return [(since, until) for since, until in found if until > since]
