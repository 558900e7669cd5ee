"""A race: one process adds parts and compacts, again and again, while this one goes on reading.

The parts hold the numbers 0, 1, 2 … in the order in which they are added, so that each reading must
find all numbers up to some one, each once, and never fewer than the reading before.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics import archive
from analytics.folder import Folder
from analytics.window import choose
from archiver import contract, listing
from archiver.archive import prepare

P = "5f6c1d2e3a4b5c6d7e8f9a0b"
DAY = date(2026, 3, 3)
WINDOW = choose(DAY, date(2026, 3, 4), "UTC", datetime(2026, 3, 9))
READS = 1000
PATIENCE = 100

WRITER = """
import itertools, os, sys
from pathlib import Path
from archiver import contract, fs
from archiver.compact import Compaction, Job
from archiver.part import Part
from archiver.place import LocalPartition
from archiver.recording import wall_clock
from archiver.columns import arrow

folder, grace = Path(sys.argv[1]), sys.argv[2]

def publish(number):
    row = {"received_at": 1_772_528_400_000_000 + number, "recorder": "main", "connection": 1}
    row |= {"source": "realtime", "kind": "event", "topic": f"/{folder.parent.name[11:]}/x"}
    rows = [row | {"seq": 3 * number + n, "element": 0, "payload": "{}"} for n in range(3)]
    facts = {"format": 1, "recorder": "main", "segment": number}
    facts |= {"first_seq": 3 * number, "last_seq": 3 * number + 2}
    with fs.publish(folder / contract.part_name("main", number)) as file:
        part = Part(file)
        part.add_table(arrow(rows))
        part.finish(facts)

for number in itertools.count():
    publish(number)
    one = Compaction(LocalPartition(folder), Job(wall_clock, int(grace) * 1_000_000))
    one.run()
    assert not one.faults, one.faults
"""


@contextmanager
def compacting(root, grace):
    """Let a process add parts and compact them as long as the block lasts."""
    prepare(root)
    folder = contract.partition(root, P, DAY)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, folder, str(grace)])
    try:
        while not list(folder.glob("*.parquet")):
            assert writer.poll() is None
        yield folder, writer
        assert writer.poll() is None  # it went on to the end
    finally:
        writer.kill()
        writer.wait()


def numbers_of(paths):
    tables = [pq.ParquetFile(path).read(columns=["seq"]) for path in paths]
    return pa.concat_tables(tables)["seq"].to_pylist()


def counting(folder):
    """Read as whoever asks `analytics` for parts."""
    return numbers_of(Folder(folder.parents[1]).parts(P, [DAY]))


def asked(folder):
    """Read as a report does."""
    with archive.connect(Folder(folder.parents[1]), P, WINDOW) as opened:
        return [number for (number,) in opened.query("select seq from events").rows]


def everything(folder):
    """Read as whoever knows nothing of manifests."""
    return numbers_of(folder.glob("*.parquet"))


def wrong(read, folder, last):
    """Return what is wrong with a reading, and how many numbers it found."""
    try:
        found = sorted(read(folder))
    except FileNotFoundError:
        return "error", last
    if len(set(found)) < len(found):
        return "double", last
    if found != list(range(len(found))) or len(found) < last:
        return "missing", last
    return None, len(found)


@pytest.mark.slow
def test_who_reads_while_parts_are_compacted_sees_each_row_once_all_the_time(tmp_path):
    until = time.monotonic() + PATIENCE
    seen = reads = 0
    with compacting(tmp_path, grace=3) as (folder, writer):
        first = folder / contract.part_name("main", 0)
        while reads < READS or first.exists():
            fault, seen = wrong(counting if reads % 25 else asked, folder, seen)
            assert (fault, reads) == (None, reads)
            reads += 1
            assert time.monotonic() < until
            assert writer.poll() is None
        generation = listing.manifest_of(folder).generation

    assert generation > 20
    assert seen > 60


@pytest.mark.slow
def test_who_does_not_ask_the_manifest_sees_rows_twice_until_the_grace_is_over(tmp_path):
    until = time.monotonic() + PATIENCE
    fault, seen = None, 0
    with compacting(tmp_path, grace=3600) as (folder, writer):
        while fault is None:
            fault, seen = wrong(everything, folder, seen)
            assert time.monotonic() < until
            assert writer.poll() is None

    assert fault == "double"
