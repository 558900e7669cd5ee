"""What an archive holds, counted from the parts' footers and the journals. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archiver import contract, fs, journal, listing, records
from archiver.bucket import Stored
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
    """Count the parts that count, per project and day."""
    return count(map(part, listing.parts(archive)))


def part(path: Path) -> tuple[Path, pq.FileMetaData, int]:
    """Return a part with its footer and its size."""
    return path, footer(str(path), path), path.stat().st_size


def footer(name: str, source: Any) -> pq.FileMetaData:
    """Read a part's footer."""
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(source)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ArchiverError:
    return ArchiverError(f"{name}: cannot read it ({error}); run 'archiver verify'")


def count(parts: Iterable[tuple[Path | Stored, pq.FileMetaData, int]]) -> list[Day]:
    """Count parts, with their footers and sizes, per project and day."""
    found: dict[tuple[str, str], Day] = {}
    for one, footer, size in parts:
        folder = one.parent
        project, date = (name.partition("=")[2] for name in (folder.parent.name, folder.name))
        day = found.setdefault((project, date), Day(project, date))
        try:
            last = _last(footer)
        except (ValueError, NotImplementedError) as error:
            raise _unreadable(str(one), error) from error
        day.rows += footer.num_rows
        day.parts += 1
        day.size += size
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


def is_whole(data: bytes) -> bool:
    """Tell whether a part's footer is there, and tells of as many rows as were written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(pa.BufferReader(data))
    except (OSError, ValueError):
        return False
    return bool(facts_of(footer).get("rows") == footer.num_rows)


def _last(footer: pq.FileMetaData) -> int | None:
    """Return the newest `received_at`, from the statistics."""
    if not facts_of(footer):
        return None
    return max((_micros(one.max) for one in _received(footer)), default=None)


def first_received(footer: pq.FileMetaData) -> int:
    """Return the oldest `received_at`, from the statistics; 0 if there are none."""
    return min((_micros(one.min) for one in _received(footer)), default=0)


def _received(footer: pq.FileMetaData) -> Iterator[pq.Statistics]:
    column = contract.NAMES.index("received_at")
    for index in range(footer.num_row_groups):
        group = footer.row_group(index).column(column)
        if group.is_stats_set and group.statistics.has_min_max:
            yield group.statistics


def _micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def unsealed(archive: Path) -> list[Unsealed]:
    """Count what waits in the journals, per recorder."""
    found = []
    for folder in sorted((archive / contract.JOURNAL_FOLDER).glob("*/")):
        paths = journal.segments(folder)
        last, count, size = None, 0, 0
        for path in paths:
            data = journal.read(path)
            size += len(data)
            for item in records.decode(data):
                if isinstance(item, records.Record):
                    count += item.type != records.CONTROL
                    last = item.at
        damaged = len(list(folder.glob(f"*{journal.DAMAGED}")))
        found.append(
            Unsealed(folder.name, is_running(folder), len(paths), size, count, last, damaged)
        )
    return found


def is_running(folder: Path) -> bool:
    """Tell whether a process holds a recorder's journal."""
    return fs.is_locked(folder / "lock")


def to_json(days_: list[Day], journals: list[Unsealed], now: int) -> dict[str, Any]:
    """Return all that is known as plain JSON."""
    rows = [
        {
            "project_id": day.project_id,
            "date": day.date,
            "rows": day.rows,
            "parts": day.parts,
            "bytes": day.size,
            "last_received_at": _moment(day.last),
            "covered_s": day.covered_seconds(),
            "gaps": list(day.gaps.values()),
        }
        for day in days_
    ]
    left = [
        asdict(one)
        | {"last": _moment(one.last)}
        | {"lag_s": None if one.last is None else (now - one.last) / 1e6}
        for one in journals
    ]
    return {"format": 1, "days": rows, "unsealed": left}


def to_table(days_: list[Day], journals: list[Unsealed], now: int, shown: int) -> Iterator[str]:
    """Yield the lines of a table: the newest days of each project, then the journals."""
    by_project: dict[str, list[Day]] = {}
    for day in days_:
        by_project.setdefault(day.project_id, []).append(day)
    heads = f"{'rows':>9}{'parts':>7}{'MB':>8}  covered  gaps  last event"
    yield f"{'project':26}{'date':12}{heads}"
    for some in by_project.values():
        yield from map(_line, some[-shown:])
    for project, some in by_project.items():
        if len(some) > shown:
            rows, size = sum(day.rows for day in some), sum(day.size for day in some)
            yield f"{project}: {len(some)} days in all, {rows} rows, {size / 1e6:.1f} MB"
    for left in journals:
        state = "running" if left.is_running else "not running"
        lag = "–" if left.last is None else f"{(now - left.last) / 1e6:.0f} s ago"
        damaged = f", {left.damaged} damaged" if left.damaged else ""
        yield (
            f"recorder {left.recorder}: {state}, {left.segments} unsealed segments"
            f" ({left.records} frames, {left.size / 1e6:.1f} MB), last sign of life {lag}"
        ) + damaged


def _line(day: Day) -> str:
    gaps = sum("topic" not in gap for gap in day.gaps.values())
    return (
        f"{day.project_id:26}{day.date:12}{day.rows:9}{day.parts:7}{day.size / 1e6:8.1f}"
        f"  {day.covered_seconds() / 86_400:7.1%}{gaps:6}  {_moment(day.last) or '–'}"
    )


def _moment(at: int | None) -> str | None:
    """Spell a time as ISO-8601 UTC in seconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
