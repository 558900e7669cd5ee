"""A plan's heat maps: the figures in them can be read."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from analytics.capacity import chart
from analytics.document.palette import LIGHT

LEGIBLE = 3.8
"""No ground is in less contrast to both white and the ink of light pages."""
SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour):
    """Relative luminance of `#rrggbb` or `rgb(r, g, b)`, WCAG 2."""
    if colour.startswith("#"):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    else:
        parts = [int(one) / 255 for one in re.findall(r"\d+", colour)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(w * one for w, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def fills(svg, tag, kind):
    """The colours of a chart's marks, in the order of the cells."""
    groups = ET.fromstring(svg).iter(f"{SVG}g")  # noqa: S314 (our own)
    (group,) = (one for one in groups if f"{kind} role-mark layer" in (one.get("class") or ""))
    return [one.get("fill") for one in group.iter(f"{SVG}{tag}")]


@pytest.mark.parametrize("theme", [chart.LIGHT, chart.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("picture", [chart.REQUIRED, chart.GAP], ids=["required", "gap"])
def test_every_figure_is_in_the_ink_that_reads_best_on_its_cell(picture, theme):
    least = -5 if picture.is_gap else 0
    rows = [
        {"date": "2026-03-02", "minute": 30 * number, picture.field: least + number}
        for number in range(20)
    ]
    svg = chart.drawn(chart.heat_map(rows, picture, theme))
    cells, inks = fills(svg, "path", "mark-rect"), fills(svg, "text", "mark-text")

    assert len(cells) == len(rows)
    for cell, ink in zip(cells, inks, strict=True):
        best = max(contrast(cell, one) for one in (LIGHT.ink, LIGHT.ground))
        assert contrast(cell, ink) == best > LEGIBLE
