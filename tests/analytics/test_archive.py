"""Reading a real archive: only what is asked for, sealed or not, each row once."""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet as pq
import pytest

import analytics
from analytics import archive, metrics, queries
from analytics.duck import Duck, database, reading
from analytics.errors import ArchiveUnreadable, QueryWrong
from analytics.folder import Folder
from analytics.window import choose
from archiver import contract
from archiver.compact import Compaction, Job
from archiver.manifest import is_compacted
from archiver.place import LocalPartition
from archiver.recording import Recording

DAY = date(2026, 3, 3)
EMPTY = {"gaps", "slice_stretches", "uncovered", "waiting_now"}
"""Nothing is missing, nothing is broken down, and long after the window nobody waits."""
PROJECT = "5f6c1d2e3a4b5c6d7e8f9a0b"


@pytest.fixture
def opened(desk):
    with analytics.open(desk.root, date=DAY).archive as one:
        yield one


def test_every_view_answers_from_real_parts(opened):
    for name in queries.VIEWS:
        rows = opened.query(f"select count(*) from {name}").rows

        assert rows[0][0] > 0 or name in EMPTY, name


def test_who_asks_for_some_facts_gets_them_from_every_view_that_tells_them(opened):
    """A question about some facts leaves out the views in which they are not named."""
    rooms = re.findall(r"\bfrom (\w+)", queries.load("views", "facts").sql)
    assert len(rooms) > 5

    for room in rooms:
        told = {fact for (fact,) in opened.query(f"select distinct fact from {room}").rows}
        assert told <= queries.load("views", room).texts, room


def near(table):
    """Float sums differ by their order."""
    return [
        [pytest.approx(one, rel=1e-9) if isinstance(one, float) else one for one in row]
        for row in table.rows
    ]


def test_a_metric_asked_for_alone_says_the_same(opened, desk):
    names = ("agent_handle_time", "chats_offered", "satisfaction", "tiledesk_differences")
    folder = Folder(desk.root)

    with archive.connect(folder, desk.project_id, opened.window, only=names) as lean:
        assert "writings" not in queries.needed("select * from measured", lean._facts)
        for name in names:
            table = metrics.run(opened, name)
            assert [list(row) for row in metrics.run(lean, name).rows] == near(table)


def test_only_the_columns_that_are_asked_for_are_read(opened):
    plan = opened.query("explain select count(distinct entity_id) from events").rows[0][1]

    assert "entity_id" in plan
    assert "payload" not in plan
    assert "topic" not in plan


def test_only_the_days_around_the_window_are_read(desk):
    folder = Folder(desk.root)
    window = choose(DAY, date(2026, 3, 4), "UTC", datetime(2026, 3, 9))

    every = len(folder.days(desk.project_id))
    assert every >= 3

    for back, ahead, days in ((0, 0, 1), (1, 0, 2), (2, 7, every), (None, None, every)):
        look = [None if days is None else timedelta(days) for days in (back, ahead)]
        with archive.connect(folder, desk.project_id, window, *look) as one:
            told = one.query("select distinct date from events order by date asc nulls last").rows
        assert len(told) == days


def test_times_are_plain_utc(opened):
    table = opened.query("select received_at, abandoned_by from events limit 1")

    assert table.types == (
        "TIMESTAMP",
        "STRUCT(project_user_id VARCHAR, left_at TIMESTAMP)[]",
    )


def frame(chat, at, status=200):
    document = (
        f'{{"_id":"{chat}","request_id":"support-group-{PROJECT}-{chat}","status":{status},'
        f'"preflight":false,"participantsAgents":[],"createdAt":"2026-03-03T09:00:00.000Z",'
        f'"updatedAt":"{at}"}}'
    )
    topic = f"/{PROJECT}/requests"
    return (
        f'{{"action":"publish","payload":{{"topic":"{topic}","method":"UPDATE",'
        f'"message":{document}}}}}'
    ).encode()


@pytest.fixture
def recording(tmp_path):
    clock = [round(datetime(2026, 3, 3, 9, tzinfo=UTC).timestamp() * 1e6)]
    one = Recording(tmp_path, "main", [PROJECT], clock=lambda: clock[0])
    yield one, clock
    one.close(clock[0])


def offered(root):
    with analytics.open(root, PROJECT, date=DAY).archive as one:
        return metrics.run(one, "chats_offered").records()[0]["sessions_count"]


def test_what_is_not_sealed_yet_is_read_from_the_journal(tmp_path, recording):
    one, clock = recording
    before = sorted(tmp_path.rglob("*"))

    one.keep([frame("a", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    assert offered(tmp_path) == 1
    one.keep([frame("b", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    assert offered(tmp_path) == 2

    assert sorted(tmp_path.rglob("*")) == before


def test_sealing_changes_no_answer(tmp_path, recording):
    one, clock = recording
    one.keep([frame("a", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    one.roll(clock[0])
    one.keep([frame("b", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    assert offered(tmp_path) == 2

    one.seal()

    assert list(tmp_path.glob("project_id=*/*/*.parquet"))
    assert offered(tmp_path) == 2


def test_what_is_sealed_between_reading_journal_and_parts_is_there_once(tmp_path, recording):
    one, clock = recording
    one.keep([frame("a", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    one.roll(clock[0])
    folder = Folder(tmp_path)
    assert len(folder.unsealed) == 2

    one.seal()

    window = choose(DAY, date(2026, 3, 4), "UTC", datetime(2026, 3, 9))
    with archive.connect(folder, PROJECT, window) as opened:
        assert metrics.check(opened, "row_key_twice").rows == []
        told = opened.query("select count(*) from events where kind = 'request'").rows
    assert told == [(1,)]


def test_what_is_compacted_meanwhile_as_well_is_there_once(tmp_path, recording):
    one, clock = recording
    for chat in "ab":
        one.keep([frame(chat, "2026-03-03T09:00:00.000Z")], clock[0], 0)
        one.roll(clock[0])
    folder = Folder(tmp_path)
    assert len(folder.unsealed) == 3

    one.seal()
    day = contract.partition(tmp_path, PROJECT, DAY)
    Compaction(LocalPartition(day), Job(lambda: clock[0], 0)).run()

    (part,) = folder.parts(PROJECT, [DAY])
    assert is_compacted(part.name)
    window = choose(DAY, date(2026, 3, 4), "UTC", datetime(2026, 3, 9))
    with archive.connect(folder, PROJECT, window) as opened:
        assert metrics.check(opened, "row_key_twice").rows == []
        told = opened.query("select count(*) from events where kind = 'request'").rows
    assert told == [(2,)]


def test_a_damaged_manifest_is_one_line(tmp_path, recording):
    one, clock = recording
    one.keep([frame("a", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    one.roll(clock[0])
    one.seal()
    path = contract.partition(tmp_path, PROJECT, DAY) / "_manifest.json"
    path.write_text("[]")

    with pytest.raises(ArchiveUnreadable) as refused:
        offered(tmp_path)

    assert str(refused.value) == (f"{path}: not a manifest of this format; restore it from a copy")


def test_a_torn_end_of_the_journal_is_passed_over(tmp_path, recording):
    one, clock = recording
    one.keep([frame("a", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    one.keep([frame("b", "2026-03-03T09:00:00.000Z")], clock[0], 0)
    (segment,) = tmp_path.glob("_journal/main/*.segment")
    copy = tmp_path / "copy"
    (copy / "_journal" / "main").mkdir(parents=True)
    shutil.copy(tmp_path / contract.MARKER, copy)
    (copy / "_journal" / "main" / segment.name).write_bytes(segment.read_bytes()[:-7])

    assert offered(copy) == 1


def test_a_part_that_is_no_part_is_one_line(desk, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(desk.root, root)
    part, *_ = root.glob("project_id=*/date=2026-03-03/*.parquet")
    part.write_bytes(b"no parquet")

    with (
        pytest.raises(ArchiveUnreadable, match=r"see 'archiver verify'") as refused,
        analytics.open(root, desk.project_id, date=DAY).archive as one,
    ):
        metrics.run(one, "chats_offered")

    assert "\n" not in str(refused.value)


def _near(value):
    """Float sums differ by their order."""
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


def test_parts_may_be_cut_as_one_likes(desk, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(desk.root, root)
    for part in list(root.glob("project_id=*/date=*/*.parquet")):
        rows = pq.ParquetFile(part).read()
        third = rows.num_rows // 3
        for number, piece in enumerate([rows.slice(0, third), rows.slice(third)]):
            pq.write_table(piece, part.with_name(f"{part.stem}-{number}.parquet"))
        part.unlink()

    told = []
    for one in (desk.root, root):
        with analytics.open(one, date=DAY).archive as opened:
            told.append([metrics.run(opened, name).rows for name in queries.METRICS])
    assert told[1] == [[tuple(map(_near, row)) for row in rows] for rows in told[0]]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("drop view events", "not one statement that only reads; write one SELECT"),
        ("select 1; select 2", "not one statement that only reads; write one SELECT"),
        ("", "not one statement that only reads; write one SELECT"),
        ("copy (select 1) to 'x.csv'", "not one statement that only reads; write one SELECT"),
        ("selec 1", 'Parser Error: syntax error at or near "selec"'),
    ],
)
def test_a_question_only_reads(opened, sql, message):
    with pytest.raises(QueryWrong) as refused, reading(sql):
        opened.query(sql)

    assert str(refused.value) == message


def test_a_long_query_draws_no_progress_where_the_data_go():
    with database() as connection:
        told = connection.execute("select current_setting('enable_progress_bar')").fetchall()

    assert told == [(False,)]


def test_what_memory_does_not_hold_is_nobody_elses_and_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = Duck()
    engine.connection.execute("set memory_limit = '60MB'")

    engine.keep("wide", "select repeat('x', 100) || n as text from range(2000000) as told (n)")

    (folder,) = tmp_path.iterdir()
    assert sum(path.stat().st_size for path in folder.iterdir()) > 10_000_000
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    engine.close()
    assert list(tmp_path.iterdir()) == []
