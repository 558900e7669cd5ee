"""Compaction in a bucket: the same rows in few parts, whoever else compacts, whenever it dies."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from archiver import compact, contract, fs, publish, stored
from archiver.cli import cli
from archiver.compact import Compaction, Job
from archiver.compactor import Compactor
from archiver.errors import PartitionDamaged, StoreRefuses, StoreUnreachable
from archiver.manifest import NAME, Manifest, generation_of, is_compacted
from archiver.status import facts_of
from archiver.stored_place import StoredPartition, StoredPlace

PROJECT = "65f0a1b2c3d4e5f601234567"
FOLDER = f"project_id={PROJECT}/date=2026-11-23"
HOUR = 3_600_000_000
TOMORROW = 1_795_435_200_000_000 + 24 * HOUR
PATIENCE = 30
READINGS = 300


def published(place, spool, segments=3):
    """Publish some segments of a day; return the keys of their rows."""
    spool.record(segments)
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    for _ in publish.publish(place.bucket, spool.root, "main"):
        pass
    return rows(place)


def job(now=TOMORROW, grace=HOUR):
    return Job(lambda: now, grace)


def run(place, now=TOMORROW, grace=HOUR):
    return list(compact.compact(StoredPlace(place.remote), job(now, grace)))


def one(place, now=TOMORROW):
    """Return the compaction of the day, not begun."""
    return Compaction(StoredPartition(place.bucket, FOLDER), job(now))


def read(bucket):
    """Read the rows that count, as whoever reads the bucket does."""
    found = []
    for part in stored.parts(bucket, FOLDER):
        table = pq.read_table(pa.BufferReader(bucket.read(part.key)), columns=list(contract.KEY))
        found += [tuple(row.values()) for row in table.to_pylist()]
    return sorted(found)


def rows(place):
    return read(place.bucket)


def names(place):
    return sorted(one.name for one in place.bucket.list(FOLDER).objects)


def verified(place, now=TOMORROW):
    return list(stored.faults(place.bucket, clock=lambda: now))


def manifest_of(place):
    return Manifest.from_text(place.bucket.read(f"{FOLDER}/{NAME}"))


def test_a_day_of_many_parts_becomes_one_of_the_same_rows(each_place, spool):
    before = published(each_place, spool)
    old = names(each_place)

    (done,) = run(each_place)

    (part,) = stored.parts(each_place.bucket, FOLDER)
    assert is_compacted(part.name)
    assert rows(each_place) == before
    assert (done.faults, done.rows, done.is_lost) == ([], len(before), False)
    assert (done.before.parts, done.after.parts) == (len(old), 1)
    assert verified(each_place) == []
    assert names(each_place) == sorted([*old, NAME, part.name])

    run(each_place, TOMORROW + HOUR)

    assert names(each_place) == [NAME, part.name]
    assert rows(each_place) == before
    assert verified(each_place) == []


def test_each_part_is_fetched_once_and_one_is_put(place, spool):
    published(place, spool)
    old = names(place)
    place.proxy.asked.clear()

    run(place)

    asked = Counter(
        (request.method, request.path.rpartition("/")[2]) for request in place.proxy.asked
    )
    (new,) = manifest_of(place).parts
    assert all(asked["GET", name] == 1 for name in [*old, new])
    assert (asked["PUT", new], asked["PUT", NAME]) == (1, 1)
    place.proxy.asked.clear()
    run(place, TOMORROW + HOUR)
    place.proxy.asked.clear()
    assert run(place, TOMORROW + HOUR) == []  # nothing is looked at, whose parts are one
    assert len(place.proxy.asked) == 4


def test_a_part_published_later_counts_and_is_taken_in_by_the_next_run(place, spool):
    published(place, spool)
    run(place)

    before = published(place, spool, 1)
    assert len(stored.parts(place.bucket, FOLDER)) > 1
    run(place)

    (part,) = stored.parts(place.bucket, FOLDER)
    assert generation_of(part.name) == 2
    assert rows(place) == before
    run(place, TOMORROW + HOUR)
    assert names(place) == [NAME, part.name]


def test_a_part_that_was_replaced_and_is_put_again_does_not_count(place, spool):
    """By a recorder that died before it had removed it from its spool."""
    before = published(place, spool)
    key = stored.parts(place.bucket, FOLDER)[0].key
    data = place.bucket.read(key)
    run(place)
    run(place, TOMORROW + HOUR)
    (spool.root / key).write_bytes(data)

    assert [day.rows for day in stored.days(StoredPlace(place.remote)._bucket)] == [len(before)]
    for _ in publish.publish(place.bucket, spool.root, "main"):
        pass

    assert key in place.all_keys()
    assert rows(place) == before
    run(place, TOMORROW + HOUR)
    assert key not in place.all_keys()


def test_a_day_waits_for_what_the_spool_holds_of_it(place, spool):
    published(place, spool)
    assert [part.folder.name for part in compact.closed(StoredPlace(place.remote), TOMORROW)]
    spool.record()

    assert compact.closed(StoredPlace(place.remote), TOMORROW) == []
    elsewhere = replace(place.remote, spool=None)
    assert len(compact.closed(StoredPlace(elsewhere), TOMORROW)) == 1
    assert compact.closed(StoredPlace(elsewhere), TOMORROW - 24 * HOUR) == []


def test_more_than_may_be_at_a_time_is_merged_by_and_by(place, spool, monkeypatch):
    before = published(place, spool, 5)
    monkeypatch.setattr(compact, "_AT_A_TIME", compact.Extent(2, 2**30))

    done = run(place)

    assert len(done) > 2
    assert len(stored.parts(place.bucket, FOLDER)) == 1
    assert rows(place) == before
    assert verified(place) == []


# Others.


@pytest.mark.parametrize("generation", [1, 2])
def test_of_two_at_once_one_gives_way_and_leaves_nothing(each_place, spool, generation):
    before = published(each_place, spool)
    if generation == 2:
        run(each_place)
        run(each_place, TOMORROW + HOUR)
        before = published(each_place, spool, 1)
    old = {*names(each_place)} - {NAME}
    first, second = one(each_place), one(each_place)
    steps = second.steps()
    assert [next(steps), next(steps)] == ["wrote 1 parts", "proved them"]

    first.run()
    second.steps = lambda: steps
    second.run()

    assert (first.is_lost, second.is_lost, second.faults) == (False, True, [])
    assert not second.is_rewritten
    assert rows(each_place) == before
    assert manifest_of(each_place).generation == generation
    assert names(each_place) == sorted([*old, NAME, *manifest_of(each_place).parts])


def test_what_another_is_about_to_let_count_is_not_removed(place, spool):
    before = published(place, spool)
    slow, quick = one(place), one(place)
    steps = slow.steps()
    next(steps)
    (unknown,) = [name for name in names(place) if is_compacted(name)]

    first = quick.steps()
    assert next(first) == "wrote 1 parts"
    assert unknown in names(place)
    assert [*steps][-1].startswith("replaced")
    quick.steps = lambda: first
    quick.run()

    assert quick.is_lost
    assert manifest_of(place).parts == (unknown,)
    assert rows(place) == before


def test_many_at_once_lose_and_double_nothing(place, spool):
    before = published(place, spool, 4)
    start = threading.Barrier(4)
    done = [one(place) for _ in range(4)]

    def begin(compaction):
        start.wait(PATIENCE)
        compaction.run()

    threads = [threading.Thread(target=begin, args=(each,)) for each in done]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert sum(each.is_rewritten for each in done) == 1
    assert not any(each.faults for each in done)
    assert rows(place) == before
    assert [name for name in names(place) if is_compacted(name)] == [*manifest_of(place).parts]


def test_an_answer_that_is_lost_is_not_taken_for_anothers_manifest(place, spool):
    """The store replaced it; the request is done again, and meets what it did itself."""
    before = published(place, spool)
    whole, lost = place.proxy.ask, []

    def lose(method, path, *rest):
        answer = whole(method, path, *rest)
        if method == "PUT" and path.endswith(NAME) and not lost:
            lost.append(answer[0])
            return 503, {}, b""
        return answer

    place.proxy.ask = lose
    compaction = one(place)
    compaction.run()

    assert lost == [200]
    assert (compaction.is_lost, compaction.is_rewritten) == (False, True)
    assert rows(place) == before
    assert verified(place) == []


def test_a_store_that_would_overwrite_is_refused(lenient_place, spool):
    published(lenient_place, spool)
    lenient_place.proxy.dropped.add("if-match")

    with pytest.raises(StoreRefuses, match="ignores If-Match"):
        run(lenient_place)


# Trouble.


def test_a_damaged_part_is_named_and_left_alone(place, spool):
    published(place, spool)
    (whole, *_) = stored.parts(place.bucket, FOLDER)
    data = bytearray(place.bucket.read(whole.key))
    data[len(data) // 3] ^= 255
    place.bucket.put_once(f"{FOLDER}/main-00000099.parquet", bytes(data))

    (done,) = run(place)

    (fault,) = done.faults
    assert fault.startswith(f"{place.remote}/{FOLDER}/main-00000099.parquet: damaged (")
    assert "main-00000099.parquet" in [part.name for part in stored.parts(place.bucket, FOLDER)]
    assert len(stored.parts(place.bucket, FOLDER)) == 2


def test_what_the_store_holds_is_proved_not_what_was_sent(place, spool):
    before = published(place, spool)
    old = names(place)

    def spoil(method, path):
        is_new = method == "GET" and "compacted." in path and "list-type" not in path
        return b"PAR1 and no more" if is_new else None

    place.proxy.meddle = spoil
    (done,) = run(place)
    place.proxy.meddle = lambda _method, _path: None

    (fault,) = done.faults
    assert "; nothing was replaced" in fault
    assert (names(place), rows(place)) == (old, before)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_store_in_trouble_stops_it_in_one_line(place, spool, method):
    before = published(place, spool)
    bucket = place.bucket
    place.proxy.meddle = lambda how, path: 503 if how == method and "compacted." in path else None
    partition = StoredPartition(bucket, FOLDER)

    with pytest.raises(StoreUnreachable, match=r"cannot be reached now \(status 503\)"):
        Compaction(partition, job()).run()
    place.proxy.meddle = lambda _method, _path: None

    assert rows(place) == before
    run(place)
    run(place, TOMORROW + HOUR)
    assert rows(place) == before
    assert len(names(place)) == 2


def hide(place, name):
    """Have listings not show an object; return those that did not."""
    whole, shown = place.proxy.ask, []

    def ask(method, path, *rest):
        status, told, data = whole(method, path, *rest)
        if "list-type=2" in path and name.encode() in data:
            begin = data.rindex(b"<Contents>", 0, data.index(name.encode()))
            data = data[:begin] + data[data.index(b"</Contents>", begin) + len(b"</Contents>") :]
            shown.append(data)
        return status, told, data

    place.proxy.ask = ask
    return shown


def test_a_listing_that_lags_hides_nothing_from_who_reads(place, spool):
    before = published(place, spool)
    run(place)
    run(place, TOMORROW + HOUR)
    (part,) = manifest_of(place).parts

    shown = hide(place, part)
    assert rows(place) == before
    assert shown
    place.bucket.remove([f"{FOLDER}/{part}"])

    told = f"{place.remote}/{FOLDER}/{part}: missing, but {NAME} names it; restore it from a copy"
    assert verified(place) == [told]
    with pytest.raises(PartitionDamaged) as caught:
        rows(place)
    assert str(caught.value) == told


def test_a_manifest_that_is_not_listed_yet_is_not_replaced(place, spool):
    """Who does not see it takes the day for one that was never compacted."""
    before = published(place, spool)
    run(place)
    there, shown = names(place), hide(place, NAME)

    (done,) = run(place)

    assert shown
    assert (done.is_lost, done.faults) == (True, [])
    assert rows(place) == before
    place.proxy.ask = type(place.proxy).ask.__get__(place.proxy)
    assert names(place) == there


# Crashes.

CRASH_AFTER = """
import itertools, os, sys
from archiver.bucket import Bucket, parse
from archiver.compact import Compaction, Job
from archiver.status import facts_of
from archiver.stored_place import StoredPartition
url, folder, now, count = sys.argv[1:]
steps = Compaction(
    StoredPartition(Bucket(parse(url)), folder), Job(lambda: int(now), 3_600_000_000)
).steps()
assert len(list(itertools.islice(steps, int(count)))) == int(count)  # it did get there
os._exit(9)  # no `finally` runs: that is what a crash is
"""
STEPS = 3


def crash(place, now, steps):
    argv = [sys.executable, "-c", CRASH_AFTER, place.remote.url, FOLDER, str(now), str(steps)]
    assert subprocess.run(argv, check=False).returncode == 9


def test_the_steps_are_those_after_which_it_may_die(place, spool):
    published(place, spool)
    assert len(list(one(place).steps())) == STEPS


@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_a_crash_after_any_step_loses_and_repeats_nothing(place, spool, steps):
    before = published(place, spool)
    crash(place, TOMORROW, steps)

    assert rows(place) == before
    assert verified(place) == []
    left = verified(place, TOMORROW * 2)
    assert any("left by a compaction that died" in fault for fault in left) == (steps < STEPS)
    run(place)
    run(place, TOMORROW + HOUR)
    assert rows(place) == before
    assert names(place) == sorted([NAME, *manifest_of(place).parts])
    assert verified(place, TOMORROW * 2) == []


@pytest.mark.slow
@pytest.mark.parametrize("of", ["compacted.", NAME])
def test_a_process_that_is_killed_in_mid_request_leaves_what_the_next_mends(
    place, spool, of, tmp_path, monkeypatch
):
    before = published(place, spool)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    reached, go_on = threading.Event(), threading.Event()

    def hold(method, path):
        if method == "PUT" and of in path:
            reached.set()
            go_on.wait(PATIENCE)

    place.proxy.meddle = hold
    command = [sys.executable, "-m", "archiver.cli", "compact", "--archive", place.remote.url]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    assert reached.wait(PATIENCE)
    process.kill()
    process.wait()
    go_on.set()
    place.proxy.meddle = lambda _method, _path: None

    assert list(scratch.iterdir()) == []
    assert rows(place) == before
    run(place)
    run(place, TOMORROW * 2)
    assert rows(place) == before
    assert names(place) == sorted([NAME, *manifest_of(place).parts])


# Readers.


def change(place, spool, is_over):
    """Publish parts and compact them without a pause, until told; return how often."""
    now = TOMORROW
    done = []
    while not is_over.is_set():
        published(place, spool, 1)
        done += run(place, now)
        now += HOUR // 2  # half the grace: what is replaced goes in the next round but one
    return sum(each.is_rewritten for each in done)


def test_a_reader_sees_each_row_once_all_the_time(place, spool):
    seen = Counter(published(place, spool, 2))
    bucket, is_over = place.bucket, threading.Event()

    with ThreadPoolExecutor(1) as beside:
        changing = beside.submit(change, place, spool, is_over)
        try:
            for _ in range(READINGS):
                found = Counter(read(bucket))
                assert max(found.values()) == 1
                assert not seen - found
                seen = found
        finally:
            is_over.set()

    assert changing.result(PATIENCE) > 3


# The command, and the recorder.


def ask(*arguments):
    return CliRunner().invoke(cli, ["compact", *map(str, arguments)])


def test_the_command_takes_an_address(place, spool):
    spool.now = 1_600_000_000_000_000
    spool.record(3)
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    parts = len(list(publish.publish(place.bucket, spool.root, "main")))

    told = ask("--archive", place.remote.url, "--dry-run")
    assert (told.exit_code, told.stdout.split()[:3]) == (0, [PROJECT, "2020-09-13", str(parts)])
    told = ask("--archive", place.remote.url, "--spool", spool.root, "--grace", "0s")
    assert (told.exit_code, told.stderr) == (0, "compacted 1 days, removed 0 files of no use\n")
    assert f"{parts} -> 1 parts" in told.stdout
    told = ask("--archive", place.remote.url)
    assert told.stderr == f"compacted 0 days, removed {parts} files of no use\n"


def test_a_recorder_has_its_bucket_compacted(place, spool, capfd):
    spool.now = 1_600_000_000_000_000
    spool.record(3)
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    list(publish.publish(place.bucket, spool.root, "main"))
    beside = Compactor(place.remote, fs.PRIVATE, first=0)

    beside.look_after()
    while beside._process is not None:
        beside._process.wait()
        beside.look_after()

    assert (beside.failures, capfd.readouterr().err) == (0, "")
    (folder,) = stored.partitions(place.bucket)
    (part,) = stored.parts(place.bucket, folder)
    assert is_compacted(part.name)
    facts = facts_of(pq.read_metadata(pa.BufferReader(place.bucket.read(part.key))))
    assert part.name.endswith(f"-{facts['writer']}.parquet")
