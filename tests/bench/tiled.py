"""Archives of any length from one simulated week: the week again and again, each time later.

Every instant of the typed columns and of the recorder's own rows moves on by whole weeks, and ids
get the week's number, so that no chat is twice; frames are numbered as they follow in time.
Payloads of the server stay as they are: reports do not read them. Chats that the week leaves open
are of the newest week only: nobody would close the others, and at a year's end more would be open
than at any desk. What agents do across the seams of the weeks makes no sense, and costs the same.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archiver import contract

WEEK = timedelta(days=7)
_IDS = ("entity_id", "request_id")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def week(folder: Path, until: date, chats_per_day: int, agents: int) -> Path:
    """Record a simulated week that ends before a day; return the archive."""
    command = [Path(sys.executable).parent / "archiver", "simulate", "history"]
    command += ["--archive", folder, "--days", "7", "--until", until.isoformat()]
    command += ["--chats-per-day", str(chats_per_day), "--agents", str(agents)]
    subprocess.run([str(one) for one in command], check=True, capture_output=True)
    return folder


def tile(source: Path, target: Path, weeks: int) -> int:
    """Write an archive of so many weeks that ends when the source does; return its rows."""
    rows = 0
    left_open = pa.array(_left_open(source), pa.string())
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("_journal", "project_id=*"))
    for part in sorted(source.glob(contract.parts_glob())):
        file = pq.ParquetFile(part)
        newest = [file.read_row_group(number) for number in range(file.num_row_groups)]
        others = [_without(group, left_open) for group in newest]
        day = date.fromisoformat(part.parent.name.removeprefix("date="))
        for back in range(weeks):
            project = part.parent.parent.name.removeprefix("project_id=")
            folder = contract.partition(target, project, day - back * WEEK)
            folder.mkdir(parents=True, exist_ok=True)
            groups = [_moved(group, back, weeks) for group in (others if back else newest)]
            _write(groups, folder / part.name)
            rows += sum(group.num_rows for group in groups)
    return rows


def _left_open(source: Path) -> list[str]:
    """Return the chats that no version shows closed, or that one shows open after it."""
    found = duckdb.execute(
        "select request_id from read_parquet(?) where kind = 'request' group by request_id"
        " having max_by(status, coalesce(updated_at, received_at)) < 1000",
        [str(source / contract.parts_glob())],
    )
    return [chat for (chat,) in found.fetchall()]


def _without(table: pa.Table, chats: pa.Array) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["request_id"], value_set=chats)))


def _write(groups: list[pa.Table], target: Path) -> None:
    """Write a part in the row groups that it had: who looks for few rows passes over the others."""
    told = {"compression": "zstd", "compression_level": 3}
    with pq.ParquetWriter(target, groups[0].schema, **told) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(group.num_rows, 1))


def _moved(table: pa.Table, back: int, weeks: int) -> pa.Table:
    number = table.schema.get_field_index("seq")
    table = table.set_column(number, "seq", pc.add(table["seq"], (weeks - back) * 1_000_000_000))
    if not back:
        return table
    shift = pa.scalar(back * WEEK, pa.duration("us"))
    for number, field in enumerate(table.schema):
        column = table.column(number)
        if pa.types.is_timestamp(field.type):
            column = pc.subtract(column, shift)
        elif field.name in _IDS:
            column = pc.binary_join_element_wise(column, f"w{back}", "-")
        elif field.name == "payload":
            column = _own_moved(table, back * WEEK)
        table = table.set_column(number, field, column)
    return table


def _own_moved(table: pa.Table, by: timedelta) -> pa.ChunkedArray:
    """Return the payloads; those of the recorder's own rows, which are few, with instants moved."""
    own = pc.is_in(table["kind"], value_set=pa.array(["control", "gap"]))
    texts = table["payload"].filter(own).to_pylist()
    moved = [_INSTANT.sub(lambda found: _earlier(found[0], by), text) for text in texts]
    assert all(json.loads(text) for text in moved)
    return pc.replace_with_mask(
        table["payload"].combine_chunks(), own.combine_chunks(), pa.array(moved, pa.string())
    )


def _earlier(text: str, by: timedelta) -> str:
    moved = datetime.fromisoformat(text) - by
    return f"{moved:%Y-%m-%dT%H:%M:%S.%f}Z"
