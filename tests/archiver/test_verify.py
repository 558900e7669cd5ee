"""Whether an archive is whole: each kind of fault is named, and a whole archive says nothing."""

from __future__ import annotations

import json
import random
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archiver import contract
from archiver.verify import faults

P = "65f0a1b2c3d4e5f601234567"
MIDNIGHT = 43_200  # seconds after noon


@pytest.fixture
def whole(desk):
    """Return an archive of two recorders, three sealed segments and one that waits."""
    recording = desk.record()
    number = desk.connect(recording)
    for n in (1, 2):
        desk.keep(recording, *range(n * 10, n * 10 + 5), connection=number)
        recording.roll(desk.after(1))
        recording.seal()
    desk.keep(recording, 30, 31, connection=number)
    other = desk.record(recorder="second")
    desk.keep(other, 40, connection=desk.connect(other))
    desk.close(other)
    desk.crash(recording)
    return desk.archive


def parts(archive):
    return sorted(archive.glob(contract.parts_glob()))


def rewrite(path, table=None, facts=None):
    """Write a part anew with other rows or another footer, as no recorder would."""
    old = pq.read_table(path, partitioning=None)
    told = facts or told_of(path)
    table = (old if table is None else table).replace_schema_metadata(
        {contract.FACTS: json.dumps(told)}
    )
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def told_of(path):
    metadata = pq.read_metadata(path).metadata
    return json.loads(metadata[contract.FACTS.encode()])


def test_a_whole_archive_says_nothing(whole):
    assert len(parts(whole)) == 3
    assert list(faults(whole)) == []


def test_a_whole_archive_whose_recorder_runs_says_nothing(desk, whole):
    recording = desk.record()
    desk.keep(recording, 50)

    assert list(faults(whole)) == []


def test_a_torn_tail_of_the_newest_segment_is_no_fault(desk, whole):
    recording = desk.record()
    desk.keep(recording, 50)
    path = recording._segment.path
    desk.crash(recording)
    path.write_bytes(path.read_bytes()[:-1])

    assert list(faults(whole)) == []


def test_the_list_of_parts_is_shown_to_the_progress_bar(whole):
    shown = []

    def progress(items):
        shown.extend(items)
        return items

    assert list(faults(whole, progress)) == []
    assert shown == parts(whole)


# Parts.


@pytest.mark.parametrize("size", [0, 3, 11, 200, -1])
def test_a_truncated_part_is_damaged(whole, size):
    path = parts(whole)[0]
    path.write_bytes(path.read_bytes()[:size])

    (fault,) = faults(whole)

    assert fault.startswith(f"{path}: damaged (")
    assert fault.endswith("); restore it from a copy")


@pytest.fixture
def alone(whole):
    """Return the one part that is left in the archive."""
    path, *others = parts(whole)
    for other in others:
        other.unlink()
    return path


@pytest.mark.parametrize("where", ["pages", "footer"])
def test_a_flipped_bit_is_found_or_changes_no_row(whole, alone, where):
    good, rows = alone.read_bytes(), pq.read_table(alone, partitioning=None)
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    places = range(4, footer) if where == "pages" else range(footer, len(good))
    chance = random.Random(7)
    found = 0
    for at in chance.sample(places, 120):
        data = bytearray(good)
        data[at] ^= 1 << chance.randrange(8)
        alone.write_bytes(data)
        told = list(faults(whole))
        found += bool(told)
        assert told or pq.read_table(alone, partitioning=None).equals(rows)

    assert found > 60


def test_statistics_that_would_hide_rows_are_damage(whole):
    path = parts(whole)[0]
    good = path.read_bytes()
    column = contract.NAMES.index("seq")
    high = pq.read_metadata(path).row_group(0).column(column).statistics.max
    at = good.rindex(high.to_bytes(8, "little"), 0, -8)
    path.write_bytes(good[:at] + (high - 1).to_bytes(8, "little") + good[at + 8 :])

    (fault,) = faults(whole)

    assert fault.startswith(f"{path}: damaged (")


def test_a_segment_that_is_sealed_meanwhile_is_no_fault(whole):
    segment = whole / contract.JOURNAL_FOLDER / "main" / "00000001.segment"
    segment.symlink_to("gone between the look and the reading")

    assert list(faults(whole)) == []


def test_a_file_that_no_recorder_wrote_is_named(whole):
    path = parts(whole)[0].with_name("other.parquet")
    pq.write_table(pa.table({"a": [1]}), path)

    assert list(faults(whole)) == [
        f"{path}: not a part that a recorder wrote; move it out of the archive"
    ]


@pytest.mark.parametrize("facts", [{"segment": 1}, {"segment": None}, {"segment": "x", "rows": []}])
def test_a_file_with_half_a_footer_is_named(whole, facts):
    path = parts(whole)[0]
    rewrite(path, facts=facts)

    assert list(faults(whole)) == [
        f"{path}: damaged (its footer is incomplete); restore it from a copy"
    ]


@pytest.mark.parametrize("folder", [".", "_journal/main", "project_id=p", "a/b/c"])
def test_a_part_outside_its_partition_is_named(whole, folder):
    path = whole / folder / "main-00000009.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(parts(whole)[0], path)

    assert list(faults(whole)) == [
        f"{path}: not a part that a recorder wrote; move it out of the archive"
    ]


def test_a_part_of_other_columns_is_named(whole):
    path = parts(whole)[0]
    rewrite(path, pq.read_table(path, partitioning=None).drop_columns(["rating"]))

    assert list(faults(whole)) == [f"{path}: its columns are not those of format 1"]


def test_a_part_under_another_name_is_named(whole):
    path = parts(whole)[0].rename(parts(whole)[0].with_name("main-00000077.parquet"))

    assert list(faults(whole)) == [f"{path}: holds segment 1 of main, not what its name says"]


def test_a_part_in_another_days_folder_is_named(whole):
    old = parts(whole)[0]
    path = old.parents[1] / "date=2026-11-30" / old.name
    path.parent.mkdir()
    old.rename(path)

    assert list(faults(whole)) == [f"{path}: holds rows of 2026-11-23"]


def test_a_part_in_another_projects_folder_is_named(whole):
    old = parts(whole)[0]
    path = whole / "project_id=other" / old.parent.name / old.name
    path.parent.mkdir(parents=True)
    old.rename(path)

    assert list(faults(whole)) == [f"{path}: holds 5 rows of other projects"]


def test_a_part_with_rows_missing_is_named(whole):
    path = parts(whole)[0]
    table = pq.read_table(path, partitioning=None)
    rewrite(path, table.slice(1))

    assert list(faults(whole)) == [
        f"{path}: holds {len(table) - 1} rows, but {len(table)} were written"
    ]


def test_a_part_with_rows_of_another_segment_is_named(whole):
    path = parts(whole)[0]
    facts = told_of(path) | {"last_seq": 4}
    rewrite(path, facts=facts)
    high = max(pq.read_table(path, partitioning=None)["seq"].to_pylist())
    low = min(pq.read_table(path, partitioning=None)["seq"].to_pylist())

    assert list(faults(whole)) == [f"{path}: holds sequences {low} to {high}, not 1 to 4"]


def test_parts_of_one_segment_that_disagree_are_named(whole):
    path = parts(whole)[0]
    twin = whole / "project_id=_unknown" / path.parent.name / path.name
    twin.parent.mkdir(parents=True)
    shutil.copy(path, twin)
    table = pq.read_table(path, partitioning=None)
    topics = pa.nulls(len(table), pa.string())
    table = table.set_column(contract.NAMES.index("topic"), table.schema.field("topic"), topics)
    rewrite(twin, table, told_of(path) | {"last_seq": 999})

    assert f"{twin}: differs from another part of segment 1" in list(faults(whole))


def test_segments_that_overlap_are_named(whole):
    first, second = parts(whole)[:2]
    reached = told_of(first)["last_seq"]
    rewrite(second, facts=told_of(second) | {"first_seq": reached})

    assert list(faults(whole)) == [f"main: segments 1 and 2 overlap at sequence {reached}"]


def test_a_part_without_rows_is_no_fault_if_none_were_written(whole):
    path = parts(whole)[0]
    rewrite(path, contract.schema().empty_table(), told_of(path) | {"rows": 0})

    assert list(faults(whole)) == []


# Journals.


def test_a_segment_set_aside_is_named(desk, whole):
    path = desk.folder / "00000009.damaged"
    path.touch()

    assert list(faults(whole)) == [
        f"{path}: set aside as damaged; its good records are in the archive"
    ]


def test_damage_in_the_middle_of_a_segment_is_named_with_its_place(desk, whole):
    (path,) = desk.folder.glob("*.segment")
    data = bytearray(path.read_bytes())
    first = data.index(b"\xf5TDJ", 4)
    second = data.index(b"\xf5TDJ", first + 4)
    data[first + 8] ^= 0xFF
    path.write_bytes(data)

    assert list(faults(whole)) == [f"{path}: damaged from byte {first} to {second}"]


def test_a_damaged_state_is_named(desk, whole):
    (desk.folder / "state.json").write_bytes(b"{")

    (fault,) = faults(whole)

    assert fault == (
        f"{desk.folder}/state.json: not a recorder's state (JSONDecodeError);"
        " restore it from a copy, or record under another --recorder name"
    )


def test_a_missing_state_is_named(desk, whole):
    (desk.folder / "state.json").unlink()

    assert list(faults(whole)) == [f"{desk.folder}/state.json: missing"]


def test_every_fault_is_told_not_only_the_first(desk, whole):
    parts(whole)[0].write_bytes(b"")
    parts(whole)[1].write_bytes(b"")
    (desk.folder / "state.json").unlink()

    assert len(list(faults(whole))) == 3


def test_looking_writes_nothing(whole):
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}

    list(faults(whole))

    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before
