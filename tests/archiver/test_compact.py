"""Compaction: the same rows in few parts, whatever stood there, and whenever it dies."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
from datetime import date

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver import compact, contract, fs, listing, manifest, status
from archiver.columns import arrow
from archiver.compact import Compaction, Job
from archiver.errors import ArchiveUnwritable, CompactionLocked, JournalDamaged, PartitionDiffers
from archiver.part import Part
from archiver.place import LocalPartition, LocalPlace
from archiver.state import recover
from archiver.verify import faults

P = "65f0a1b2c3d4e5f601234567"
SECOND = 1_000_000
HOUR = 3600 * SECOND
NOON = 1_795_435_200 * SECOND
TOMORROW = NOON + 24 * HOUR
DAY = date(2026, 11, 23)
STEPS = 3


def job(now=TOMORROW, grace=HOUR):
    return Job(lambda: now, grace)


def run(archive, now=TOMORROW, modes=fs.PRIVATE, **asked):
    return list(compact.compact(LocalPlace(archive, modes), job(now), **asked))


def closed(archive, now, *asked):
    return [one.folder for one in compact.closed(LocalPlace(archive), now, *asked)]


@pytest.fixture
def archive(desk):
    """Return an archive of one day of two recorders, in eight parts, with a gap."""
    for recorder, chats in (("main", range(1, 7)), ("second", range(4, 8))):
        recording = desk.record(recorder=recorder)
        number = desk.connect(recording)
        for chat in chats:
            desk.keep(recording, chat, chat % 3, connection=number)
            if chat == 3:
                facts = {"control": "disconnected", "why": "cut"}
                recording.note(facts, desk.after(1), number)
                number = desk.connect(recording)
            if chat % 2:
                recording.roll(desk.after(1))
                recording.seal()
        desk.close(recording)
    return desk.archive


@pytest.fixture
def folder(archive):
    return contract.partition(archive, P, DAY)


def rows(archive):
    """Return the rows that count, by their keys."""
    found = [
        row for path in listing.parts(archive) for row in pq.ParquetFile(path).read().to_pylist()
    ]
    return sorted(found, key=lambda row: [row[name] for name in contract.KEY])


def verified(archive, now=TOMORROW):
    return list(faults(archive, clock=lambda: now))


def told(archive):
    """Return what status tells of the days, but for sizes."""
    days = status.to_json(status.days(archive), [], 0)["days"]
    return [day | {"parts": 0, "bytes": 0, "gaps": sorted(map(str, day["gaps"]))} for day in days]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def facts_of(path):
    return status.facts_of(pq.read_metadata(path))


def test_a_day_of_many_parts_becomes_one_of_the_same_rows(archive, folder):
    before, days, parts = rows(archive), told(archive), len(listing.parts(archive))
    assert parts == 7

    (done,) = run(archive)

    assert listing.parts(archive) == [folder / "compacted.00000001-001.parquet"]
    assert rows(archive) == before
    assert told(archive) == days
    assert (done.faults, done.rows) == ([], len(before))
    assert (done.before.parts, done.after.parts) == (parts, 1)
    assert done.after.size < done.before.size


def test_a_compacted_part_stands_chat_by_chat_with_the_recorders_own_rows_last(archive):
    run(archive)
    (path,) = listing.parts(archive)
    found = pq.ParquetFile(path).read().to_pylist()
    own = [row["source"] == "recorder" for row in found]
    chats = [tuple(row[name] for name in compact._ORDER) for row in found if row["request_id"]]

    assert any(own)
    assert own == sorted(own)
    assert chats == sorted(chats)
    assert pq.read_schema(path).equals(contract.schema())


def test_a_footer_tells_what_it_was_made_of(archive):
    old = [facts_of(path) for path in listing.parts(archive)]
    run(archive)
    (path,) = listing.parts(archive)

    facts = facts_of(path)

    assert (facts["format"], facts["generation"], facts["number"]) == (1, 1, 1)
    assert [(one["recorder"], one["segment"]) for one in facts["segments"]] == sorted(
        (one["recorder"], one["segment"]) for one in old
    )
    for name in ("covered", "gaps"):
        assert sorted(map(str, facts[name])) == sorted(str(one) for o in old for one in o[name])


def test_what_was_replaced_stays_for_the_grace_and_then_goes(archive, folder):
    before, old = rows(archive), names(folder)
    made = ["_manifest.json", "compacted.00000001-001.parquet"]

    run(archive)
    assert names(folder) == sorted([*old, *made])
    (again,) = run(archive, TOMORROW + HOUR - 1)
    assert (again.removed, again.is_rewritten) == (0, False)
    (again,) = run(archive, TOMORROW + HOUR)

    assert (again.removed, again.is_rewritten) == (len(old), False)
    assert names(folder) == made
    assert rows(archive) == before
    assert run(archive, TOMORROW + 2 * HOUR)[0].removed == 0


def test_an_archive_is_whole_before_and_after_and_in_between(archive):
    for now in (TOMORROW, TOMORROW + HOUR):
        assert verified(archive) == []
        run(archive, now)
        assert verified(archive, now) == []


def test_a_part_sealed_later_counts_and_is_taken_in_by_the_next_run(desk, archive, folder):
    run(archive)
    recording = desk.record()
    desk.keep(recording, 9, connection=desk.connect(recording))
    desk.close(recording)
    before = rows(archive)
    assert len(listing.parts(archive)) == 2

    run(archive)

    assert listing.parts(archive) == [folder / "compacted.00000002-001.parquet"]
    assert rows(archive) == before
    run(archive, TOMORROW + HOUR)
    assert names(folder) == ["_manifest.json", "compacted.00000002-001.parquet"]
    assert verified(archive) == []


def test_a_replaced_part_that_is_sealed_again_does_not_count(archive, folder):
    path, *_ = listing.parts(archive)
    data, before = path.read_bytes(), rows(archive)
    run(archive)
    run(archive, TOMORROW + HOUR)

    path.write_bytes(data)

    assert rows(archive) == before
    run(archive, TOMORROW + HOUR)
    assert names(folder) == ["_manifest.json", "compacted.00000001-001.parquet"]


def test_a_day_with_unsealed_rows_waits_and_so_does_today(desk, archive):
    assert closed(archive, NOON) == []
    recording = desk.record()
    desk.keep(recording, 9, connection=desk.connect(recording))

    assert closed(archive, TOMORROW) == []
    desk.close(recording)
    assert closed(archive, TOMORROW) == [contract.partition(archive, P, DAY)]
    assert closed(archive, TOMORROW, ("other",)) == []


def test_one_process_at_a_time_compacts(archive):
    run(archive)
    held = fs.lock(archive / manifest.COMPACTING)
    assert held is not None

    with pytest.raises(CompactionLocked, match=r": another process compacts it; let it end$"):
        run(archive)
    os.close(held)


def test_an_archive_that_may_not_be_written_is_one_line(archive):
    (archive / manifest.COMPACTING).mkdir()

    with pytest.raises(ArchiveUnwritable) as caught:
        run(archive)

    assert str(caught.value) == (
        f"{archive}: cannot write there (Is a directory); compact as the user who records"
    )


def test_what_a_compaction_at_work_has_begun_is_no_leftover(archive, folder):
    (folder / "compacted.00000001-001.parquet").write_bytes(b"half")
    held = fs.lock(archive / manifest.COMPACTING)

    assert verified(archive) == []

    os.close(held)
    assert len(verified(archive)) == 1


@pytest.mark.parametrize("modes", [fs.PRIVATE, fs.GROUP_READABLE], ids=["private", "group"])
def test_what_is_written_has_the_mode_asked_for(archive, folder, modes):
    run(archive, modes=modes)

    for name in ("_manifest.json", "compacted.00000001-001.parquet"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == modes.file


def test_a_recorder_whose_state_is_lost_is_refused_after_its_parts_are_gone(desk, archive, folder):
    run(archive)
    run(archive, TOMORROW + HOUR)
    (desk.folder / "state.json").unlink()

    with pytest.raises(JournalDamaged, match=r"main-00000001.parquet was written by this recorder"):
        recover(archive, desk.folder, "main")


def test_large_parts_end_and_are_left_alone(archive, folder, monkeypatch):
    monkeypatch.setattr(compact, "_LARGE", 1)
    before = rows(archive)

    (done,) = run(archive)

    assert done.after.parts == len(listing.parts(archive)) > 1
    assert rows(archive) == before
    assert [path for path in folder.iterdir() if not path.name.startswith("main")]
    monkeypatch.setattr(compact, "_SMALL", 1)
    assert not run(archive)[0].is_rewritten


# Damage.


def test_a_damaged_part_is_named_and_left_alone(archive, folder):
    bad, *good = listing.parts(archive)
    data = bytearray(bad.read_bytes())
    data[len(data) // 3] ^= 255
    bad.write_bytes(data)
    count = sum(pq.read_metadata(path).num_rows for path in good)

    (done,) = run(archive)

    assert [fault.partition(" (")[0] for fault in done.faults] == [f"{bad}: damaged"]
    assert done.rows == count
    assert listing.parts(archive) == [folder / "compacted.00000001-001.parquet", bad]
    assert bad.read_bytes() == data
    assert [fault.partition(" (")[0] for fault in verified(archive)] == [f"{bad}: damaged"]


def test_a_damaged_manifest_stops_its_own_partition_only(archive, folder):
    (folder / manifest.NAME).write_text("{")

    (done,) = run(archive)

    assert done.faults[0].startswith(f"{folder / manifest.NAME}: ")
    assert verified(archive)[0].endswith("; restore it from a copy")


def test_a_compacted_part_that_is_missing_is_named_and_not_passed_over(archive):
    run(archive)
    (path,) = listing.parts(archive)
    path.unlink()

    assert verified(archive) == [
        f"{path}: missing, but _manifest.json names it; restore it from a copy"
    ]
    with pytest.raises(FileNotFoundError):
        rows(archive)


SPOILT = {
    "a row is missing": lambda found: found[1:],
    "a row is twice": lambda found: [found[0], *found],
    "a payload is another": lambda found: [found[0] | {"payload": "{}"}, *found[1:]],
    "a key is another": lambda found: [found[0] | {"seq": found[1]["seq"]}, *found[1:]],
    "a value is null": lambda found: [found[0] | {"created_at": None}, *found[1:]],
}


@pytest.mark.parametrize("how", SPOILT)
def test_nothing_is_replaced_by_what_is_not_the_same(archive, folder, how):
    old, before = names(folder), rows(archive)
    steps = Compaction(LocalPartition(folder), job()).steps()
    assert next(steps) == "wrote 1 parts"
    path = folder / "compacted.00000001-001.parquet"
    facts, found = facts_of(path), SPOILT[how](pq.ParquetFile(path).read().to_pylist())
    write(path, found, facts)

    with pytest.raises(PartitionDiffers, match=r"; nothing was replaced$") as caught:
        list(steps)

    assert str(caught.value).startswith(f"{folder}: what was compacted is {len(found)} rows (")
    assert names(folder) == old
    assert rows(archive) == before


def test_a_full_disk_is_one_line_and_leaves_nothing(archive, folder, room):
    old, before = names(folder), rows(archive)

    with room(1000), pytest.raises(ArchiveUnwritable) as caught:
        run(archive)

    assert str(caught.value) == (
        f"{folder}: cannot compact it (File too large);"
        " make room in the archive, then run 'archiver compact'"
    )
    assert (names(folder), rows(archive)) == (old, before)


# Crashes.

CRASH_AFTER = """
import itertools, os, sys
from pathlib import Path
from archiver.compact import Compaction, Job
from archiver.place import LocalPartition
folder, now, count = sys.argv[1:]
steps = Compaction(LocalPartition(Path(folder)), Job(lambda: int(now), 3_600_000_000)).steps()
assert len(list(itertools.islice(steps, int(count)))) == int(count)  # it did get there
os._exit(9)  # no `finally` runs: that is what a crash is
"""


def crash(folder, now, steps):
    argv = [sys.executable, "-c", CRASH_AFTER, folder, str(now), str(steps)]
    assert subprocess.run(argv, check=False).returncode == 9


def test_the_steps_are_those_after_which_it_may_die(archive, folder):
    assert len(list(Compaction(LocalPartition(folder), job()).steps())) == STEPS


@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_a_crash_after_any_step_loses_and_repeats_nothing(archive, folder, steps):
    before, days = rows(archive), told(archive)
    crash(folder, TOMORROW, steps)

    assert (rows(archive), told(archive)) == (before, days)
    left = [fault for fault in verified(archive) if "left by a compaction that died" in fault]
    assert len(left) == (1 if steps < STEPS else 0)
    run(archive)
    run(archive, TOMORROW + HOUR)
    assert (rows(archive), told(archive)) == (before, days)
    assert names(folder) == ["_manifest.json", "compacted.00000001-001.parquet"]
    assert verified(archive) == []


def test_a_crash_while_the_replaced_parts_are_removed_is_mended(archive, folder):
    run(archive)
    before = rows(archive)
    crash(folder, TOMORROW + HOUR, 1)

    assert names(folder) == ["_manifest.json", "compacted.00000001-001.parquet"]
    assert rows(archive) == before


def test_drafts_of_a_compaction_that_died_are_named_and_removed(archive, folder):
    drafts = [f".{name}.draft" for name in ("compacted.00000001-001.parquet", "_manifest.json")]
    for name in drafts:
        (folder / name).write_bytes(b"half")

    assert verified(archive) == [
        f"{folder / name}: left by a compaction that died; run 'archiver compact'"
        for name in sorted(drafts)
    ]
    (done,) = run(archive)
    assert done.removed == 2
    assert not set(drafts) & set(names(folder))


def test_what_was_replaced_long_ago_and_is_still_there_is_named(archive, folder):
    old = names(folder)
    run(archive)

    assert verified(archive, TOMORROW + 25 * HOUR - 1) == []
    assert verified(archive, TOMORROW + 25 * HOUR) == [
        f"{folder / name}: was replaced long ago; run 'archiver compact'" for name in old
    ]


# Any parts.


def write(path, found, facts):
    """Write rows as a part that says of itself what it is told to."""
    with path.open("w+b") as file:
        part = Part(file, compact._ORDER)
        for row in found:
            one = row | {name: _micros(value) for name, value in row.items()}
            part.add_table(arrow([one]))
        part.finish(dict(facts))


def _micros(value):
    return round(value.timestamp() * SECOND) if hasattr(value, "timestamp") else value


@pytest.fixture(scope="module")
def some(tape, frames):
    """Return the rows of a segment with snapshots, updates, a disconnection and a gap."""
    script = tape().connected(1)
    for second in range(2, 12):
        script.feed(second, size=second % 4)
    script.disconnected(13).connected(14, 2).feed(15, 2, size=3)
    script.frame(frames.update(frames.request(2, 1000)), 16, 2).control("rolled", 20, 2)
    return [row for row in script.rows() if row.get("project_id") == P]


@settings(max_examples=20)
@given(st.data())
def test_any_split_of_rows_into_parts_becomes_the_same_part(tmp_path_factory, some, data):
    count = data.draw(st.integers(2, 6))
    cut = [data.draw(st.integers(0, count - 1)) for _ in some]
    chance = random.Random(data.draw(st.integers(0, 9)))
    found = []
    for split in (cut, [number % 2 for number in range(len(some))]):
        root = tmp_path_factory.mktemp("split")
        folder = contract.partition(root, P, DAY)
        folder.mkdir(parents=True)
        for number in sorted(set(split)):
            mine = [row for row, n in zip(some, split, strict=True) if n == number]
            chance.shuffle(mine)
            write(
                folder / contract.part_name("main", number),
                mine,
                {
                    "format": 1,
                    "recorder": "main",
                    "segment": number,
                    "first_seq": min(row["seq"] for row in mine),
                    "last_seq": max(row["seq"] for row in mine),
                },
            )
        if len(set(split)) > 1:
            (done,) = run(root)
            assert (done.faults, done.rows) == ([], len(some))
        (part,) = listing.parts(root)
        found.append(pq.ParquetFile(part).read())

    assert found[0].equals(found[1])
