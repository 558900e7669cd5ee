"""What an archive holds, counted from footers and journals."""

from __future__ import annotations

import pytest

from archiver import contract, fs, journal, seal
from archiver.errors import ArchiverError
from archiver.status import Day, days, is_running, to_json, unsealed

P = "65f0a1b2c3d4e5f601234567"
MIDNIGHT = 43_200  # seconds after noon


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def put(archive):
    """Seal a segment of a recorder."""

    def put_(script, number=1, recorder="main"):
        path = script.write(archive / contract.JOURNAL_FOLDER / recorder, number)
        seal.seal(archive, path, recorder)

    return put_


def one_day(archive):
    (day,) = [day for day in days(archive) if day.project_id == P]
    return day


def test_an_empty_archive_holds_nothing(archive):
    assert days(archive) == []
    assert unsealed(archive) == []


def test_a_day_counts_rows_parts_and_bytes_per_project(archive, put, tape, frames):
    put(tape().connected(1).feed(2, size=3).frame(b"garbage", 3).control("rolled", 4))
    put(tape(90).connected(5, 2).feed(7, 2, size=2).control("rolled", 9), 2)

    found = {(day.project_id, day.date): day for day in days(archive)}

    assert set(found) == {(P, "2026-11-23"), ("_unknown", "2026-11-23")}
    day = found[P, "2026-11-23"]
    sizes = [path.stat().st_size for path in archive.glob(contract.parts_glob(P))]
    assert (day.rows, day.parts, day.size) == (3 + 1 + 1 + 2 + 1, 2, sum(sizes))
    assert found["_unknown", "2026-11-23"].rows == 1


def test_the_last_event_is_the_newest_receipt(archive, put, tape):
    script = tape().connected(1).feed(2).feed(7.25)
    put(script)

    assert one_day(archive).last == script.records[-1].at
    (told,) = to_json([one_day(archive)], [], 0)["days"]
    assert told["last_received_at"] == "2026-11-23T12:00:07Z"


def test_what_is_covered_by_two_recorders_counts_once(archive, put, tape):
    put(tape().connected(1).feed(10).control("alive", 30).control("rolled", 31))
    put(tape().connected(1).feed(20).control("alive", 50).control("rolled", 51), 1, "second")

    assert one_day(archive).covered_seconds() == 40


@pytest.mark.parametrize(
    ("covered", "seconds"),
    [
        ([], 0),
        ([(0, 10)], 10),
        ([(0, 10), (10, 20)], 20),
        ([(0, 10), (15, 20)], 15),
        ([(15, 20), (0, 10)], 15),
        ([(0, 30), (5, 10), (8, 12)], 30),
        ([(0, 10), (5, 15), (12, 20)], 20),
        ([(0, 10), (0, 10)], 10),
    ],
)
def test_covered_time_is_the_length_of_the_union(covered, seconds):
    spans = [tuple(f"2026-11-23T00:00:{at:02}.000000Z" for at in span) for span in covered]

    assert Day(P, "2026-11-23", covered=spans).covered_seconds() == seconds


def test_a_day_covered_over_midnight_has_its_own_part_of_it(archive, put, tape):
    script = tape().connected(1).feed(MIDNIGHT - 10).control("alive", MIDNIGHT + 5)
    put(script.control("rolled", MIDNIGHT + 6))

    assert [(d.date, d.covered_seconds()) for d in days(archive)] == [
        ("2026-11-23", 10),
        ("2026-11-24", 5),
    ]


def test_a_gap_is_told_once_with_its_end_when_it_has_one(archive, put, tape):
    script = tape().connected(1).feed(2).disconnected(5, why="cut")
    script.connected(7, 2).feed(9, 2).disconnected(12, 2, why="again")
    put(script.control("rolled", 20))

    gaps = list(one_day(archive).gaps.values())

    assert gaps == [
        {
            "since": "2026-11-23T12:00:02.000000Z",
            "until": "2026-11-23T12:00:09.000000Z",
            "why": "cut",
        },
        {"since": "2026-11-23T12:00:09.000000Z", "until": None, "why": "again"},
    ]


def test_a_topics_own_gap_is_apart_from_the_projects(archive, put, tape):
    script = tape().connected(1).feed(2)
    topic, since = f"/{P}/requests/R/messages", script.records[-1].at
    script.control("refused", 9, topic=topic, since=since).disconnected(9.5, why="cut")
    put(script.control("rolled", 20))

    gaps = one_day(archive).gaps

    assert [gap.get("topic") for gap in gaps.values()] == [topic, None]


def test_a_part_that_cannot_be_read_says_what_to_do(archive, put, tape):
    put(tape().connected(1).feed(2))
    (path,) = archive.glob(contract.parts_glob())
    path.write_bytes(b"x")

    with pytest.raises(ArchiverError) as caught:
        days(archive)

    message = str(caught.value)
    assert message.startswith(f"{path}: cannot read it (")
    assert message.endswith("); run 'archiver verify'")


def test_a_foreign_parquet_file_is_counted_without_facts(archive):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = archive / "project_id=p" / "date=2026-11-23" / "other.parquet"
    fs.make_folder(path.parent)
    columns = {name: pa.nulls(2, contract.schema().field(name).type) for name in contract.NAMES}
    pq.write_table(pa.table(columns), path)

    (day,) = days(archive)

    assert (day.rows, day.covered, day.gaps) == (2, [], {})


# Journals.


def test_a_journal_counts_segments_frames_and_the_last_sign_of_life(archive, tape):
    folder = archive / contract.JOURNAL_FOLDER / "main"
    first = tape().connected(1).feed(2).control("rolled", 3)
    second = tape(90, at=3).feed(5).frame(b"x", 6).control("alive", 9)
    size = sum(script.write(folder, n).stat().st_size for n, script in enumerate([first, second]))
    (folder / "00000009.damaged").touch()

    (found,) = unsealed(archive)

    assert (found.recorder, found.is_running) == ("main", False)
    assert (found.segments, found.records, found.size, found.damaged) == (2, 3, size, 1)
    assert found.last == second.records[-1].at
    (told,) = to_json([], [found], found.last + 1_500_000)["unsealed"]
    assert told["lag_s"] == 1.5


def test_a_torn_tail_and_damage_do_not_stop_the_count(archive, tape):
    script = tape().connected(1).feed(2).feed(3).feed(4)
    path = script.write(archive / contract.JOURNAL_FOLDER / "main")
    data = bytearray(script.data[:-1])
    data[script.edges()[2] + 9] ^= 1
    path.write_bytes(data)

    assert unsealed(archive)[0].records == 1


def test_a_segment_that_is_sealed_meanwhile_counts_nothing(archive, tape):
    folder = archive / contract.JOURNAL_FOLDER / "main"
    tape().connected(1).feed(2).write(folder, 2)
    (folder / "00000001.segment").symlink_to("gone between the look and the reading")

    assert unsealed(archive)[0].records == 1


def test_a_running_recorder_is_seen_and_a_dead_one_not(desk):
    recording = desk.record()
    assert [found.is_running for found in unsealed(desk.archive)] == [True]

    desk.crash(recording)

    assert [found.is_running for found in unsealed(desk.archive)] == [False]
    assert not is_running(desk.archive / "nowhere")


def test_looking_writes_nothing(desk):
    recording = desk.record()
    desk.keep(recording, 1, connection=desk.connect(recording))
    recording.roll(desk.after(1))
    recording.seal()
    desk.crash(recording)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in desk.archive.rglob("*")}

    days(desk.archive)
    unsealed(desk.archive)

    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in desk.archive.rglob("*")} == before
    assert journal.segments(desk.folder)
