"""What of an archive is not known yet: by the segments that parts are made of, not by their names.

Compaction makes other parts of the same segments, and changes nothing. What is gone, or is another
than it was, cannot be taken out of what is kept: then all begins anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from analytics.errors import ArchiveUnreadable
from analytics.facts.store import Known, Pair, State
from analytics.folder import Folder, Part
from archiver import contract
from archiver.manifest import is_compacted

_PART_NAME = re.compile(r"(.+)-(\d{8,})\.parquet")


@dataclass(frozen=True)
class News:
    """The parts of a project, which of them may hold what is not known, and what is known then."""

    parts: dict[date, list[Part]]
    unknown: list[Part]
    days: dict[str, dict[str, Known]]
    is_gone: bool
    """Something is known that is not there any more."""

    @property
    def every(self) -> list[Part]:
        """All the parts."""
        return [part for parts in self.parts.values() for part in parts]

    @property
    def new_days(self) -> set[date]:
        """The days of the parts that may hold what is not known."""
        return {day for day, parts in self.parts.items() if set(parts) & set(self.unknown)}


def news(folder: Folder, project_id: str, state: State) -> News:
    """Compare an archive with what is known of it."""
    parts: dict[date, list[Part]] = {}
    unknown: list[Part] = []
    days: dict[str, dict[str, Known]] = {}
    is_gone = False
    for day in sorted(folder.sealed_days(project_id)):
        parts[day] = folder.parts(project_id, [day])
        before = state.days.get(day.isoformat(), {})
        now = {part.name: _known(folder, part, before) for part in parts[day]}
        if now:
            days[day.isoformat()] = now
        pairs = _pairs(before)
        unknown += [part for part in parts[day] if not set(now[part.name].pairs) <= pairs]
        is_gone |= not pairs <= _pairs(now) or _is_changed(before, now)
    is_gone |= not {day for day, known in state.days.items() if known} <= set(days)
    return News(parts, unknown, days, is_gone)


def _pairs(known: dict[str, Known]) -> set[Pair]:
    return {pair for one in known.values() for pair in one.pairs}


def _is_changed(before: dict[str, Known], now: dict[str, Known]) -> bool:
    """Tell whether a part is another one by the same name."""
    return any(before[name].size != now[name].size for name in before.keys() & now.keys())


def _known(folder: Folder, part: Part, before: dict[str, Known]) -> Known:
    size = folder.size(part)
    known = before.get(part.name)
    if known is not None and known.size == size:
        return known
    return Known(size, _made_of(folder, part))


def _made_of(folder: Folder, part: Part) -> tuple[Pair, ...]:
    if not is_compacted(part.name):
        name = _PART_NAME.fullmatch(part.name)
        if name is None:
            raise ArchiveUnreadable(f"{part}: no part's name; see 'archiver verify'")
        return ((name[1], int(name[2])),)
    return tuple((one["recorder"], one["segment"]) for one in _footer(folder, part)["segments"])


def _footer(folder: Folder, part: Part) -> dict[str, Any]:
    import pyarrow.parquet as pq

    opened = part if isinstance(part, Path) else folder.files.open(str(part))
    try:
        told = pq.read_metadata(opened).metadata[contract.FACTS.encode()]
        found: dict[str, Any] = json.loads(told)
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveUnreadable(f"{part}: no part's footer; see 'archiver verify'") from error
    return found
