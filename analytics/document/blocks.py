"""What a document is made of: sections with figures, sentences, tables and pictures.

Plain values: how they look is the business of the templates, what they say that of the sections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics.document.svg import Drawing, draw

if TYPE_CHECKING:
    from altair import LayerChart


@dataclass(frozen=True)
class Figure:
    """A figure as people read it, and where it stands in the report's JSON."""

    text: str
    value: Any
    path: str
    note: str = ""
    """What to know of it: from few chats, hardly recorded."""


@dataclass(frozen=True)
class Name:
    """What somebody is called: in any script, of any direction."""

    text: str


Part = str | Figure | Name
Said = Sequence[Part]
"""A sentence: words, figures and names."""


@dataclass(frozen=True)
class Change:
    """By how much a figure rose or fell, against what; `mood` says if that is better or worse."""

    text: str
    against: str
    mood: str = ""


@dataclass(frozen=True)
class Tile:
    """A headline figure, and how it changed."""

    label: str
    figure: Figure
    changes: Sequence[Change] = ()


@dataclass(frozen=True)
class Table:
    """Rows of a name and its figures."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Said]


@dataclass(frozen=True)
class Picture:
    """A chart, its title, and in words what it shows."""

    title: str
    told: str
    drawing: Drawing

    @classmethod
    def of(cls, chart: LayerChart, name: str, title: str, told: str) -> Picture:
        """Draw a chart."""
        return cls(title, told, draw(chart, name, title, told))


@dataclass(frozen=True)
class Definition:
    """What a metric means, from the head of its SQL."""

    name: str
    doc: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A part of a document."""

    name: str
    title: str
    said: Sequence[Said] = ()
    tiles: Sequence[Tile] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[Said] = ()
    definitions: Sequence[Definition] = ()
