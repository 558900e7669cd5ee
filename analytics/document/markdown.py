"""Writes a report as a short text for chat and mail: lists, no pictures.

What comes from chats and people may hold any sign; those that Markdown reads are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analytics import queries
from analytics.document import overview, recording
from analytics.document.blocks import Figure, Name, Said, Table, Tile
from analytics.document.contents import title
from analytics.document.facts import Facts
from analytics.document.material import Material
from analytics.figures import NOTHING, number, percent
from analytics.reported import TILEDESK, Row

GAPS_SHOWN = 3
_SIGNS = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@$-])")


def text(report: Row) -> str:
    """Return the report as Markdown."""
    facts = Facts(report)
    parts = [f"# {title(report)}", "\n".join(_recorded(facts))]
    if set(queries.REPORT) <= report["metrics"].keys():
        parts.append(_listed(_tile(tile) for tile in overview.tiles(facts)))
        parts.append(_listed([*map(_said, overview.sentences(facts)), *_busiest(facts)]))
        parts.append(_tiledesk(facts))
        placed = frozenset(queries.REPORT)
    else:
        placed = frozenset()
    for section in recording.further(Material(report), placed):
        parts.append(f"## {section.title}")
        parts += [_table(table) for table in section.tables]
    return "\n\n".join(parts) + "\n"


def _recorded(facts: Facts) -> Iterator[str]:
    report = facts.report
    ratio = report["coverage"]["ratio"]
    told = f"recorded {percent(ratio)} of the time"
    if facts.is_short(ratio):
        told = f"**{told}: the figures are incomplete**"
    yield f"Project {escaped(report['project_id'])} · {escaped(report['tz'])} · {told}"
    gaps = report["coverage"]["gaps"]
    for gap in gaps[:GAPS_SHOWN] if facts.is_short(ratio) else ():
        since, until = facts.local(gap["since"]), facts.local(gap["until"])
        why = f" ({escaped(gap['why'])})" if gap["why"] else ""
        yield f"- missing {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}{why}"
    if facts.is_short(ratio) and len(gaps) > GAPS_SHOWN:
        yield f"- … and {len(gaps) - GAPS_SHOWN} more"


def _listed(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _tile(tile: Tile) -> str:
    changes = "; ".join(
        f"{change.text} {change.against}" for change in tile.changes if change.text != NOTHING
    )
    return f"{tile.label}: **{_figure(tile.figure)}**" + (f" ({changes})" if changes else "")


def _said(parts: Said) -> str:
    """Return a sentence; its words are ours, its names are not."""
    shown = []
    for part in parts:
        if isinstance(part, Figure):
            shown.append(_figure(part))
        else:
            shown.append(escaped(part.text) if isinstance(part, Name) else part)
    return "".join(shown)


def _figure(figure: Figure) -> str:
    return ("~" if figure.note else "") + figure.text


def _busiest(facts: Facts) -> Iterator[str]:
    rows = [row for row in facts.told["arrivals_by_hour"] if row["arrivals_per_h"]]
    if rows:
        top = max(rows, key=lambda row: row["arrivals_per_h"])
        yield f"Most chats from {top['hour']:02}:00: {number(top['arrivals_per_h'])} an hour."


def _tiledesk(facts: Facts) -> str:
    told = {row["figure"]: row for row in facts.told["tiledesk_differences"]}
    shown = [
        f"{label} {show(told[name]['tiledesk_value'])} (here {show(told[name]['our_value'])})"
        for name, (label, show) in TILEDESK.items()
    ]
    return f"As Tiledesk counts: {', '.join(shown)}."


def _table(table: Table) -> str:
    lines = [
        table.head,
        ["---"] * len(table.head),
        *([_cell(part) for part in row] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(part: str | Figure | Name) -> str:
    return _figure(part) if isinstance(part, Figure) else escaped(str(getattr(part, "text", part)))


def escaped(told: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _SIGNS.sub(r"\\\1", " ".join(told.split()))
