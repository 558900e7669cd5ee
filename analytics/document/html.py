"""Writes a document as one HTML file: no network, no script, whatever is told escaped.

The templates stand beside this module; what is told is made by the sections. It comes with the
extra `report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from analytics.document.blocks import Figure, Name
from analytics.document.contents import sections, title
from analytics.document.material import Material
from analytics.document.palette import DARK, LIGHT, variables
from analytics.figures import is_short, percent

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = files("analytics.document") / "templates"


def page(material: Material, links: Mapping[str, str] | None = None) -> str:
    """Return a report as a page; `links` lead to other pages, by what is said of them."""
    report = material.report
    ratio = report["coverage"]["ratio"]
    return render(
        "page.html",
        title=title(report),
        report=report,
        recorded=percent(ratio),
        is_short=is_short(ratio, report["settings"]["coverage_threshold"]),
        sections=sections(material),
        links=links or {},
    )


def render(name: str, **told: Any) -> str:
    """Return a template filled in."""
    environment = _environment()
    text: str = environment.get_template(name).render(
        **told, style=_style(), light=variables(LIGHT), dark=variables(DARK)
    )
    return text


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda name: (TEMPLATES / name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["figure"] = lambda part: isinstance(part, Figure)
    environment.tests["person"] = lambda part: isinstance(part, Name)
    return environment


@cache
def _style() -> str:
    return (TEMPLATES / "style.css").read_text("utf-8")
