"""Makes pictures of charts: vl-convert, without a browser, and a text for whoever sees none.

A page has each twice, for wide screens and for phones, and draws the legend itself, so that it
flows. It comes with the extra `report`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from analytics.errors import SettingWrong

if TYPE_CHECKING:
    from altair import LayerChart

NARROW = 328
WIDE_ONLY = "figures"
"""The layer that a narrow page leaves out."""
GAPS = "gaps"
"""The layer that marks what was not recorded."""
UNRECORDED = "not recorded"

_ROOT = re.compile(r"<svg\b([^>]*)>")
_TAG = re.compile(r"<[a-z][^>]*>")
_NEEDLESS = re.compile(r' (?:xmlns:xlink|version|class|role|aria-\w+)="[^"]*"|(?<=\.\d\d)\d+')
"""Of a tag, not of a text: names of parts, and more digits than one sees."""


@dataclass(frozen=True)
class Drawing:
    """A chart as SVG, for wide and narrow pages, and what its colours mean."""

    wide: str
    narrow: str
    keys: tuple[tuple[str, str], ...]


def draw(chart: LayerChart, name: str, title: str, told: str) -> Drawing:
    """Return a chart as elements of a page, with ids that no other has there."""
    spec = chart.to_dict(validate=False)
    keys = tuple(_keys(spec))
    for layer in spec["layer"]:
        if "color" in layer["encoding"]:
            layer["encoding"]["color"]["legend"] = None
    wide = _svg(spec, name, title, told)
    spec["width"] = NARROW
    spec["layer"] = [layer for layer in spec["layer"] if layer.get("name") != WIDE_ONLY]
    return Drawing(wide, _svg(spec, f"{name}-narrow", title, told), keys)


def _keys(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """Return colours and their meanings, as the legend would."""
    scales = [layer["encoding"].get("color", {}).get("scale") for layer in spec["layer"]]
    named = [zip(one["range"], one["domain"], strict=True) for one in scales if one]
    keys = list(named[0]) if named else []
    gaps = [layer["mark"]["color"] for layer in spec["layer"] if layer.get("name") == GAPS]
    return [*keys, *((colour, UNRECORDED) for colour in gaps)]


def _svg(spec: dict[str, Any], name: str, title: str, told: str) -> str:
    drawn = _TAG.sub(lambda tag: _NEEDLESS.sub("", tag[0]), rendered(spec))
    named = (
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-told">{escape(told)}</desc>'
    )
    attributes = f'id="{name}" role="img" aria-labelledby="{name}-title {name}-told"'
    return _ROOT.sub(lambda found: f"<svg{found[1]} {attributes}>{named}", drawn, count=1)


def rendered(spec: dict[str, Any]) -> str:
    """Return a specification as SVG."""
    check()
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def check() -> None:
    """Refuse at once where the extra is not installed."""
    if not all(find_spec(name) for name in ("altair", "jinja2", "vl_convert")):
        raise missing()


def missing() -> SettingWrong:
    """Return what to say where the extra is not installed."""
    return SettingWrong(
        "charts: a package is missing; install it: pip install 'tiledesk-archive[report]'"
    )
