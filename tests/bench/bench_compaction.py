"""Compaction: what a day takes, and what reports over weeks cost before and after.

One simulated week, tiled to four (`tests/bench/tiled.py`), its days cut into parts of an hour each,
as a recorder seals them by default. `archiver compact` takes one day, then all of them: a whole
process each time, which reads everything several times: whether the parts are whole, and whether
the new ones hold the same rows. The reports are `analytics report --format json`, a whole process
each time, the median of three.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tiled
from bench_reports import BIN, Cost, cost, median

from archiver import contract, listing
from archiver.part import Part
from archiver.status import facts_of

UNTIL = date(2026, 11, 22)
CHATS, AGENTS = 300, 10
WEEKS = 4
HOURS = 24
ROUNDS = 3


def by_hour(archive: Path) -> None:
    """Cut the parts of each day into one for each hour, as they are sealed by default."""
    for folder in listing.partitions(archive):
        parts = listing.look(folder).parts
        facts = facts_of(pq.read_metadata(parts[0]))
        table = pa.concat_tables([pq.ParquetFile(path).read() for path in parts])
        for path in parts:
            path.unlink()
        for number, rows in _hours(table.sort_by("seq")):
            _write(folder, facts | {"segment": _segment(folder, number)}, rows)


def _segment(folder: Path, hour: int) -> int:
    day = date.fromisoformat(folder.name.removeprefix("date="))
    return day.toordinal() * HOURS + hour


def _hours(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    # What a segment covers is told when it ends, by its first number: it stays with what follows.
    hours = pc.cumulative_min(pc.hour(table["received_at"])[::-1])[::-1]
    for number in range(HOURS):
        rows = table.filter(pc.equal(hours, number))
        if len(rows):
            yield number, rows


def _write(folder: Path, facts: dict[str, Any], rows: pa.Table) -> None:
    span = pc.min_max(rows["seq"]).as_py()
    facts = facts | {"first_seq": span["min"], "last_seq": span["max"]}
    with (folder / contract.part_name(facts["recorder"], facts["segment"])).open("w+b") as file:
        part = Part(file)
        part.add_table(rows)
        part.finish(facts)


def _report(archive: Path, since: date) -> Cost:
    days = ("--since", since, "--until", UNTIL)
    asked = ("--archive", archive, *days, "--format", "json", "--no-compare")
    return median([cost(BIN / "analytics", "report", *asked) for _ in range(ROUNDS)])


def _compact(archive: Path) -> Cost:
    return cost(BIN / "archiver", "compact", "--archive", archive, "--grace", "0s")


def _size(archive: Path) -> tuple[int, float]:
    parts = listing.parts(archive)
    return len(parts), sum(path.stat().st_size for path in parts) / 1e6


def measure() -> str:
    with tempfile.TemporaryDirectory() as folder:
        week = tiled.week(Path(folder) / "week", UNTIL, CHATS, AGENTS)
        archive = Path(folder) / "archive"
        rows = tiled.tile(week, archive, WEEKS)
        by_hour(archive)
        return "\n".join(_figures(archive, rows))


def _figures(archive: Path, rows: int) -> Iterator[str]:
    first, *others = listing.partitions(archive)
    told = [_line("parts of an hour", archive)]
    alone = archive.with_name("alone")
    _copy(archive, alone, first)
    day = _size(alone), _compact(alone), _size(alone)
    rest = _compact(archive)
    told.append(_line("compacted", archive))
    (parts, size), spent, (fewer, less) = day
    yield f"{rows:,} rows in {len(others) + 1} days."
    yield ""
    yield "| compaction of | seconds | memory | parts | MB |"
    yield "|---|---:|---:|---:|---:|"
    yield (
        f"| one day | {spent.seconds:.1f} | {spent.memory:.0f} MB | {parts} → {fewer}"
        f" | {size:.1f} → {less:.1f} |"
    )
    yield f"| {len(others) + 1} days | {rest.seconds:.1f} | {rest.memory:.0f} MB | | |"
    yield ""
    yield "| archive | parts | MB | report of a day | of 28 days | read |"
    yield "|---|---:|---:|---:|---:|---:|"
    yield from told


def _copy(archive: Path, target: Path, folder: Path) -> None:
    """Copy one partition into an archive of its own."""
    target.mkdir()
    shutil.copy(archive / contract.MARKER, target)
    shutil.copytree(folder, target / folder.relative_to(archive))


def _line(name: str, archive: Path) -> str:
    parts, size = _size(archive)
    day = _report(archive, UNTIL - timedelta(1))
    month = _report(archive, UNTIL - timedelta(WEEKS * 7))
    return (
        f"| {name} | {parts} | {size:.1f} | {day.seconds:.2f} s | {month.seconds:.2f} s"
        f" | {month.read:.0f} MB |"
    )
