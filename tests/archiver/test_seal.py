"""Sealing: one step or all of them, once or twice, whole segments or damaged ones."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archiver import contract, fs, seal
from archiver.errors import ArchiveUnwritable
from archiver.seal import MANY, steps
from archiver.sealer import TOGETHER, Sealer

P = "65f0a1b2c3d4e5f601234567"
MIDNIGHT = 43_200  # seconds after noon

CAPTURED = (
    "agent_view.",
    "forty_chats/",
    "four_chats.",
    "owner_view.",
    "server_restart.",
    "silent_client.",
    "subscribed_twice.",
)

CRASH_AFTER = """
import itertools, os, sys
from pathlib import Path
from archiver import fs, seal
archive, segment, count = sys.argv[1:]
work = seal.steps(Path(archive), Path(segment), "main", fs.PRIVATE)
assert len(list(itertools.islice(work, int(count)))) == int(count)  # it did get there
os._exit(9)  # no `finally` runs: that is what a crash is
"""


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def journal_folder(archive):
    return archive / contract.JOURNAL_FOLDER / "main"


@pytest.fixture
def full(tape, frames):
    """Return a segment with two projects, two days, garbage, a disconnection and a gap."""
    script = tape().connected(1, projects=(P, "other")).feed(2, size=3)
    script.frame(frames.feed({"_id": "o"}, project="other"), 3).frame(b"\xffgarbage", 4)
    script.disconnected(8).connected(10, 2, projects=(P, "other")).feed(12, 2, size=2)
    late = MIDNIGHT + 5
    script.signs(13, late - 1, 2).frame(frames.update({"_id": "late"}), late, 2).control(
        "alive", late + 3, 2
    )
    return script.control("rolled", late + 4)


def files(archive):
    return {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}


def parts(archive):
    return sorted(path.relative_to(archive).as_posix() for path in archive.rglob("*.parquet"))


def keyed(rows):
    return sorted((row["seq"], row["element"], row["project_id"], row["payload"]) for row in rows)


def footer(path):
    return json.loads(pq.read_metadata(path).metadata[contract.FACTS.encode()])


def test_every_row_of_a_segment_is_in_the_archive_and_the_segment_gone(
    archive, journal_folder, full, sealed_rows
):
    path = full.write(journal_folder, 17)

    told = seal.seal(archive, path, "main")

    assert keyed(sealed_rows(archive)) == keyed(full.rows())
    assert not path.exists()
    assert told == ["wrote 4 drafts", "published 4 parts", "removed the segment, 0 bytes torn"]
    assert (
        parts(archive)
        == [
            f"project_id={P}/date=2026-11-23/main-00000017.parquet",
            f"project_id={P}/date=2026-11-24/main-00000017.parquet",
            "project_id=_unknown/date=2026-11-23/main-00000017.parquet",
            "project_id=other/date=2026-11-23/main-00000017.parquet",
        ]
        or len(parts(archive)) == 5
    )


def test_each_row_lies_in_the_partition_of_its_own_receipt(
    archive, journal_folder, full, sealed_rows
):
    seal.seal(archive, full.write(journal_folder), "main")

    rows = sealed_rows(archive)

    assert {row["date"] for row in rows} == {"2026-11-23", "2026-11-24"}
    assert all(str(row["received_at"].date()) == row["date"] for row in rows)


def test_a_row_on_the_stroke_of_midnight_belongs_to_the_new_day(
    archive, journal_folder, tape, sealed_rows
):
    script = tape()
    for at in (MIDNIGHT - 0.000001, MIDNIGHT):
        script.frame(str(at).encode(), at)
    seal.seal(archive, script.write(journal_folder), "main")

    days = [row["date"] for row in sealed_rows(archive) if row["kind"] == "unparsed"]

    assert days == ["2026-11-23", "2026-11-24"]


STEPS = 3


def test_the_steps_are_as_many_as_the_crashes_below(archive, journal_folder, full):
    assert len(list(steps(archive, full.write(journal_folder), "main", fs.PRIVATE))) == STEPS


@pytest.mark.parametrize("count", range(STEPS + 1))
def test_a_crash_after_any_step_loses_and_repeats_nothing(
    archive, journal_folder, full, sealed_rows, count
):
    path = full.write(journal_folder)
    expected = keyed(full.rows())
    argv = [sys.executable, "-c", CRASH_AFTER, archive, path, str(count)]

    assert subprocess.run(argv, check=False).returncode == 9

    sealed = keyed(sealed_rows(archive))
    assert sealed == (expected if count >= 2 else [])
    assert path.exists() or sealed == expected
    seal.seal(archive, path, "main")
    assert keyed(sealed_rows(archive)) == expected
    assert [path.name for path in files(archive) if path.name.startswith(".")] == []


@pytest.mark.parametrize("count", range(STEPS + 1))
def test_nothing_unfinished_ends_in_parquet(archive, journal_folder, full, count):
    argv = [sys.executable, "-c", CRASH_AFTER, archive, full.write(journal_folder), str(count)]
    subprocess.run(argv, check=False)

    for path in archive.rglob("*.parquet"):
        pq.read_table(path)  # whole, or it raises
    drafts = [path for path in files(archive) if path.name.endswith(".draft")]
    assert bool(drafts) is (count == 1)


def test_a_failure_while_writing_leaves_the_segment_and_no_part(
    archive, journal_folder, full, room
):
    path = full.write(journal_folder)
    before = path.read_bytes()

    with room(2000), pytest.raises(ArchiveUnwritable) as caught:
        seal.seal(archive, path, "main")

    assert str(caught.value) == (
        f"{path}: cannot seal it (File too large); make room in the archive,"
        " then run 'archiver seal'"
    )
    assert path.read_bytes() == before
    assert parts(archive) == []
    assert not [path for path in files(archive) if path.name.endswith(".draft")]
    seal.seal(archive, path, "main")
    assert parts(archive)


def test_sealing_the_same_segment_again_writes_the_same_bytes(archive, journal_folder, full):
    seal.seal(archive, full.write(journal_folder), "main")
    before = {path: hashlib.sha256(data).digest() for path, data in files(archive).items()}

    seal.seal(archive, full.write(journal_folder), "main")

    assert {p: hashlib.sha256(data).digest() for p, data in files(archive).items()} == before


def test_a_segment_that_another_process_sealed_is_nothing_to_do(archive, journal_folder, full):
    path = full.write(journal_folder)
    seal.seal(archive, path, "main")

    assert seal.seal(archive, path, "main") == []


@pytest.mark.parametrize("size", [0, 5])
def test_a_segment_without_a_record_leaves_nothing(archive, journal_folder, full, size):
    path = full.write(journal_folder)
    path.write_bytes(full.data[:size])

    assert seal.seal(archive, path, "main")[-1] == f"removed the segment, {size} bytes torn"

    assert not path.exists()
    assert parts(archive) == []


def test_a_torn_tail_is_counted_and_what_was_before_it_sealed(
    archive, journal_folder, full, sealed_rows
):
    path = full.write(journal_folder)
    cut = full.edges()[-4] + 7
    path.write_bytes(full.data[:cut])

    told = seal.seal(archive, path, "main")

    assert told[-1] == "removed the segment, 7 bytes torn"
    assert not path.exists()
    kept = [row for row in sealed_rows(archive) if row["source"] != "recorder"]
    assert keyed(kept) == keyed(row for row in full.rows() if row["source"] != "recorder")[:-1]


def test_a_damaged_segment_is_set_aside_and_its_good_records_sealed_with_a_gap(
    archive, journal_folder, full, sealed_rows, story
):
    path = full.write(journal_folder)
    data = bytearray(full.data)
    data[full.edges()[3] + 20] ^= 1  # the frame of the other project
    path.write_bytes(data)

    told = seal.seal(archive, path, "main")

    assert told[-1] == "set the damaged segment aside"
    assert path.with_suffix(".damaged").read_bytes() == data
    assert not path.exists()
    rows = sealed_rows(archive)
    assert ("gap", 2, 4, "the journal was damaged") in story(rows)
    lost = {row["seq"] for row in full.rows()} - {row["seq"] for row in rows}
    assert lost == {full.records[3].seq}


def groups(path):
    """Return the sources of the rows of each row group, in their order."""
    with pq.ParquetFile(path) as file:
        return [
            file.read_row_group(number, ["source"])["source"].to_pylist()
            for number in range(file.num_row_groups)
        ]


def test_a_part_of_a_great_many_rows_has_row_groups_of_bounded_size(
    archive, journal_folder, tape, frames
):
    script = tape().connected(1)
    for number in range(60):
        script.frame(frames.feed(*({"_id": f"{number}-{n}"} for n in range(900))), number + 2)
    seal.seal(archive, script.control("rolled", 70).write(journal_folder), "main")

    (path,) = archive.rglob("*.parquet")
    sizes = [len(group) for group in groups(path)]
    assert sizes[:2] == [50_000, 4_000]
    assert len(sizes) == 3


def test_a_part_of_large_rows_has_row_groups_of_bounded_size(archive, journal_folder, tape, frames):
    script = tape().connected(1)
    for number in range(14):
        script.frame(frames.update({"_id": str(number), "text": "x" * 3_000_000}), number + 2)
    seal.seal(archive, script.write(journal_folder), "main")

    (path,) = archive.rglob("*.parquet")
    assert [group.count("realtime") for group in groups(path)] == [12, 2]


@pytest.mark.parametrize(("size", "count"), [(10, 1), (600, 2)])
def test_the_recorders_own_rows_come_last_in_a_group_of_their_own_where_there_are_many(
    archive, journal_folder, tape, size, count
):
    script = tape().connected(1).feed(2, size=size).control("rolled", 4)
    seal.seal(archive, script.write(journal_folder), "main")

    (path,) = archive.rglob("*.parquet")

    found = groups(path)
    assert len(found) == count
    sources = [source for group in found for source in group]
    assert sources == sorted(sources)  # "realtime" before "recorder"
    assert {"realtime", "recorder"} == set(sources)
    assert count == 1 or set(found[1]) == {"recorder"}


def test_the_rows_of_a_chat_stand_together_in_the_order_of_receiving(
    archive, journal_folder, tape, frames
):
    script = tape().connected(1)
    for second in range(2, 8):
        script.frame(frames.update(frames.request(second % 3, second=second)), second)
    script.frame(b"no JSON", 9)
    seal.seal(archive, script.write(journal_folder), "main")

    table = pq.read_table(contract.partition(archive, P, date(2026, 11, 23)))
    received = [row for row in table.to_pylist() if row["kind"] == "request"]

    ids = [int(row["entity_id"], 16) for row in received]
    assert ids == [0, 0, 1, 1, 2, 2]
    assert all(
        one["seq"] < other["seq"] for one, other in zip(received[::2], received[1::2], strict=True)
    )


def test_a_part_takes_no_more_than_its_frames_as_compressed_lines(
    archive, journal_folder, tape, captured
):
    """All captures as one project's: 2,600 rows, typed columns and footer included."""
    texts = [
        re.sub(rb'"/[0-9a-f]{24}/', f'"/{P}/'.encode(), text)
        for name in CAPTURED
        for text in captured(f"{name}frames.jsonl.gz")
        if b'"heartbeat"' not in text[:30]
    ]
    script = tape()
    for number, text in enumerate(texts):
        script.frame(text, number * 0.317331)
    lines = b"\n".join(texts)
    compressed = pa.Codec("zstd", compression_level=3).compress(lines)

    seal.seal(archive, script.write(journal_folder), "main")

    (path,) = archive.rglob("*.parquet")
    assert pq.read_metadata(path).num_rows > 2_000
    assert path.stat().st_size <= len(compressed)
    assert path.stat().st_size <= len(lines) / 20


def test_a_footer_tells_the_segment_and_what_is_covered(archive, journal_folder, full):
    seal.seal(archive, full.write(journal_folder, 17), "main")
    path = contract.partition(archive, P, date(2026, 11, 23)) / "main-00000017.parquet"

    facts = footer(path)

    assert facts["covered"] == [
        ["2026-11-23T12:00:02.000000Z", "2026-11-23T12:00:04.000000Z"],
        ["2026-11-23T12:00:12.000000Z", "2026-11-24T00:00:00.000000Z"],
    ]
    cut = {"since": "2026-11-23T12:00:04.000000Z", "why": "cut"}
    assert facts["gaps"] == [
        {**cut, "until": None},
        {**cut, "until": "2026-11-23T12:00:12.000000Z"},
    ]
    assert {name: facts[name] for name in ("format", "recorder", "segment")} == {
        "format": 1,
        "recorder": "main",
        "segment": 17,
    }
    assert (facts["first_seq"], facts["last_seq"]) == (1, full.records[-1].seq)
    assert facts["rows"] == pq.read_metadata(path).num_rows


def test_a_part_has_the_columns_of_the_contract(archive, journal_folder, full):
    seal.seal(archive, full.write(journal_folder), "main")

    for path in archive.rglob("*.parquet"):
        assert pq.read_schema(path).equals(contract.schema())
        column = pq.read_metadata(path).row_group(0).column(contract.NAMES.index("payload"))
        assert column.compression == "ZSTD"


@pytest.mark.parametrize("modes", [fs.PRIVATE, fs.GROUP_READABLE], ids=["private", "group"])
def test_parts_and_their_folders_have_the_mode_asked_for(archive, journal_folder, full, modes):
    seal.seal(archive, full.write(journal_folder), "main", modes)

    for path in archive.rglob("*.parquet"):
        assert stat.S_IMODE(path.stat().st_mode) == modes.file
        assert stat.S_IMODE(path.parent.stat().st_mode) == modes.folder
        assert stat.S_IMODE(path.parents[1].stat().st_mode) == modes.folder


# The process beside the recorder.


@pytest.fixture
def seal_beside(archive):
    def start(*segments, **environment):
        command = [sys.executable, "-P", "-m", "archiver.seal", archive, "main", "group"]
        return subprocess.run(
            [*command, *segments],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
        )

    return start


def test_the_process_beside_the_recorder_seals_as_the_function_does(
    archive, journal_folder, full, sealed_rows, seal_beside
):
    assert seal_beside(full.write(journal_folder)).returncode == 0

    assert keyed(sealed_rows(archive)) == keyed(full.rows())
    assert {stat.S_IMODE(p.stat().st_mode) for p in archive.rglob("*.parquet")} == {0o640}


def test_one_process_seals_several_segments(archive, journal_folder, full, seal_beside):
    segments = [full.write(journal_folder, number) for number in (1, 2, 3)]

    assert seal_beside(*segments).returncode == 0

    assert list(journal_folder.glob("*.segment")) == []
    assert {path.stem[-1] for path in archive.rglob("*.parquet")} == {"1", "2", "3"}


def test_where_many_segments_wait_each_is_sealed_the_same_but_packed_in_less_time(
    archive, journal_folder, tape, captured, seal_beside, sealed_rows
):
    script = tape().connected(1)
    for at, data in enumerate(captured("forty_chats/frames.jsonl.gz")):
        script.frame(data, 2 + at)
    many = [script.write(journal_folder, number) for number in range(1, MANY + 1)]
    assert seal_beside(*many).returncode == 0
    hurried = sum(path.stat().st_size for path in archive.rglob("*-00000001.parquet"))
    rows = sealed_rows(archive)

    assert seal_beside(*[script.write(journal_folder, n) for n in range(1, MANY)]).returncode == 0

    assert sealed_rows(archive) == rows
    assert hurried > sum(path.stat().st_size for path in archive.rglob("*-00000001.parquet"))


@pytest.mark.parametrize("name", ["numpy", "pandas"])
def test_what_sealing_can_do_without_is_not_imported(
    name, journal_folder, full, seal_beside, tmp_path
):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")

    assert seal_beside(full.write(journal_folder), PYTHONPATH=str(tmp_path)).stderr == ""


def test_a_process_that_cannot_seal_says_why_in_one_line(
    archive, journal_folder, full, seal_beside
):
    path = full.write(journal_folder)
    (archive / f"project_id={P}").touch()

    told = seal_beside(path)

    assert told.returncode == 1
    assert told.stderr == (
        f"Error: {path}: cannot seal it (Not a directory); make room in the archive,"
        " then run 'archiver seal'\n"
    )


def test_a_sealer_counts_what_was_sealed_and_what_failed(archive, journal_folder, full):
    segments = [full.write(journal_folder, number) for number in (1, 2, 3)]
    segments[1].unlink()
    segments[1].mkdir()
    sealer = Sealer(archive, "main", fs.PRIVATE)

    sealer.look_after(segments)
    sealer.wait()

    assert (sealer.sealed, sealer.failures) == (1, 1)
    assert [path.exists() for path in segments] == [False, True, True]


def test_a_sealer_takes_a_few_segments_at_a_time(archive, journal_folder, full):
    segments = [full.write(journal_folder, number) for number in range(1, TOGETHER + 2)]
    sealer = Sealer(archive, "main", fs.PRIVATE)

    sealer.look_after(segments)
    sealer.wait()

    assert (sealer.sealed, sealer.failures) == (TOGETHER, 0)
    assert [path for path in segments if path.exists()] == segments[-1:]


def test_a_sealer_finishes_what_is_left(archive, journal_folder, full):
    segments = [full.write(journal_folder, number) for number in range(1, 2 * TOGETHER)]
    sealer = Sealer(archive, "main", fs.PRIVATE)
    sealer.look_after(segments)

    sealer.finish(segments, 60)

    assert (sealer.sealed, sealer.failures) == (len(segments), 0)
    assert not [path for path in segments if path.exists()]


def test_a_sealer_without_patience_begins_nothing_more(archive, journal_folder, full):
    segments = [full.write(journal_folder, number) for number in (1, 2)]
    sealer = Sealer(archive, "main", fs.PRIVATE)
    sealer.look_after(segments[:1])

    sealer.finish(segments, 0)

    assert [path.exists() for path in segments] == [False, True]


def test_a_sealer_that_cannot_finish_says_so(archive, journal_folder, full, capfd):
    path = full.write(journal_folder)
    (archive / f"project_id={P}").touch()

    with pytest.raises(ArchiveUnwritable) as caught:
        Sealer(archive, "main", fs.PRIVATE).finish([path], 60)

    assert str(caught.value) == (
        f"{path}: not sealed, for the reason above; mend it, then run 'archiver seal'"
    )
    assert capfd.readouterr().err.startswith(f"Error: {path}: cannot seal it (Not a directory)")
