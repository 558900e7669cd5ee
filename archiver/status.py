"""What an archive holds, counted from the parts' footers and the journals. Writes nothing."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver import contract, fs, journal, records
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    import pyarrow.parquet as pq


@dataclass
class Day:
    """One project's UTC day: rows, parts and bytes; covered spans and gaps as JSON holds them."""

    project_id: str
    date: str
    rows: int = 0
    parts: int = 0
    size: int = 0
    last: int | None = None
    covered: list[tuple[str, str]] = field(default_factory=list)
    gaps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def covered_seconds(self) -> float:
        """Return the length of the union of what is covered."""
        total, reached = 0.0, None
        for since, until in sorted(self.covered):
            start, end = datetime.fromisoformat(since), datetime.fromisoformat(until)
            start = max(start, reached) if reached else start
            if end > start:
                total += (end - start).total_seconds()
                reached = end
        return total


@dataclass
class Unsealed:
    """One recorder's journal."""

    recorder: str
    is_running: bool
    segments: int
    size: int
    records: int
    last: int | None
    damaged: int


def days(archive: Path) -> list[Day]:
    """Count the sealed parts, per project and day."""
    import pyarrow.parquet as pq

    found: dict[tuple[str, str], Day] = {}
    for path in sorted(archive.glob(contract.parts_glob())):
        project, date = (folder.partition("=")[2] for folder in path.parts[-3:-1])
        day = found.setdefault((project, date), Day(project, date))
        try:
            footer = pq.read_metadata(path)
            last = _last(footer)
        except (OSError, ValueError, NotImplementedError) as error:
            raise ArchiverError(
                f"{path}: cannot read it ({error}); run 'archiver verify'"
            ) from error
        day.rows += footer.num_rows
        day.parts += 1
        day.size += path.stat().st_size
        facts = facts_of(footer)
        day.covered += [(since, until) for since, until in facts.get("covered", ())]
        for gap in facts.get("gaps", ()):
            key = (gap["since"], gap.get("topic", ""))
            if day.gaps.get(key, {}).get("until") is None:
                day.gaps[key] = gap
        day.last = max(filter(None, (day.last, last)), default=None)
    return list(found.values())


def facts_of(footer: pq.FileMetaData) -> dict[str, Any]:
    """Return what the sealer wrote into a part's footer, nothing if it did not."""
    try:
        found = json.loads((footer.metadata or {})[contract.FACTS.encode()])
    except (KeyError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _last(footer: pq.FileMetaData) -> int | None:
    """Return the newest `received_at`, from the statistics."""
    if not facts_of(footer):
        return None
    column = contract.NAMES.index("received_at")
    groups = (footer.row_group(index).column(column) for index in range(footer.num_row_groups))
    tops = [
        group.statistics.max
        for group in groups
        if group.is_stats_set and group.statistics.has_min_max
    ]
    return max((int(top.timestamp() * 1_000_000) for top in tops), default=None)


def unsealed(archive: Path) -> list[Unsealed]:
    """Count what waits in the journals, per recorder."""
    found = []
    for folder in sorted((archive / contract.JOURNAL_FOLDER).glob("*/")):
        paths = journal.segments(folder)
        last, count = None, 0
        for path in paths:
            for item in records.decode(path.read_bytes()):
                if isinstance(item, records.Record):
                    count += item.type != records.CONTROL
                    last = item.at
        damaged = len(list(folder.glob(f"*{journal.DAMAGED}")))
        size = sum(path.stat().st_size for path in paths)
        found.append(
            Unsealed(folder.name, is_running(folder), len(paths), size, count, last, damaged)
        )
    return found


def is_running(folder: Path) -> bool:
    """Tell whether a process holds a recorder's journal."""
    path = folder / "lock"
    if not path.exists():
        return False
    try:
        held = fs.lock(path)
    except OSError:
        return False
    if held is None:
        return True
    os.close(held)
    return False


def lag_seconds(last: int, now: int) -> float:
    """Return how old a time is."""
    return (now - last) / 1_000_000


def moment(at: int | None) -> str | None:
    """Spell a time as ISO-8601 UTC in seconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
