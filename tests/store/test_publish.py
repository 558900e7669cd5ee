"""Parts move to the store whole, once, and leave the spool only when they are seen there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from archiver import fs, publish
from archiver.bucket import Bucket
from archiver.errors import ArchiveFormat, PartDiffers, StoreRefuses, StoreUnreachable

PATIENCE = 30
EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def move(place, spool):
    """Publish everything that waits."""
    publish.begin(place.bucket, spool.root, spool.recorder, fs.PRIVATE)
    return list(publish.publish(place.bucket, spool.root, spool.recorder))


def kept(place):
    """Return the objects that are parts, by their keys."""
    return {key: place.bucket.read(key) for key in place.all_keys() if key.endswith(".parquet")}


def test_parts_move_as_they_are_one_request_each(each_place, spool):
    spool.record(2, ("one", "two"))
    parts = spool.parts()
    assert len(parts) > 4

    moved = move(each_place, spool)

    assert kept(each_place) == parts
    assert spool.parts() == {}
    assert len(moved) == len(parts)
    puts = [one.path for one in each_place.proxy.asked if one.method == "PUT"]
    assert sum(path.endswith(".parquet") for path in puts) == len(parts)
    assert json.loads(each_place.bucket.read("archive.json")) == {"format": 1}


def test_doing_it_again_repeats_nothing(each_place, spool):
    spool.record()
    parts = spool.parts()
    move(each_place, spool)
    each_place.proxy.asked.clear()

    assert move(each_place, spool) == []
    assert kept(each_place) == parts


def test_a_part_that_was_put_but_not_removed_is_removed(each_place, spool):
    """What a process leaves that dies between the two."""
    spool.record()
    parts = spool.parts()
    publish.begin(each_place.bucket, spool.root, "main", fs.PRIVATE)
    for key, data in parts.items():
        each_place.bucket.put_once(key, data)

    assert len(move(each_place, spool)) == len(parts)
    assert spool.parts() == {}
    assert kept(each_place) == parts


def test_another_object_of_its_name_is_told_and_both_stay(each_place, spool):
    spool.record(2)
    parts = spool.parts()
    first, *others = parts
    each_place.bucket.put_once(first, parts[first][:-1] + b"?")

    with pytest.raises(PartDiffers, match="holds something else") as told:
        move(each_place, spool)

    assert f"{each_place.remote}/{first}" in str(told.value)
    assert list(spool.parts()) == [first]
    assert {key: parts[key] for key in others}.items() <= kept(each_place).items()


def test_what_is_no_whole_part_stays(place, spool):
    spool.record(2)
    first, *others = spool.parts()
    torn = spool.root / first
    torn.write_bytes(torn.read_bytes()[:-9])

    with pytest.raises(PartDiffers, match="not a whole part"):
        move(place, spool)

    assert list(spool.parts()) == [first]
    assert sorted(kept(place)) == others


def test_a_part_waits_for_its_segment(place, spool):
    """Sealing that was cut off is done again, and writes all parts of the segment again."""
    spool.record()
    (segment, *_) = (path.rpartition("-")[2].removesuffix(".parquet") for path in spool.parts())
    left = spool.root / "_journal" / "main" / f"{segment}.segment"
    left.write_bytes(b"")
    before = spool.parts()

    moved = {path.name for path in move(place, spool)}
    assert f"main-{segment}.parquet" not in moved
    left.unlink()
    move(place, spool)

    assert kept(place) == before


def test_a_listing_that_lags_keeps_the_part_until_it_is_shown(place, spool):
    spool.record()
    parts = spool.parts()
    stale: list[bytes] = []

    def lag(method, path):
        return stale[0] if stale and method == "GET" and "list-type=2" in path else None

    place.bucket.list()
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    stale.append(EMPTY)
    place.proxy.meddle = lag
    with pytest.raises(StoreUnreachable, match="not listed yet"):
        move(place, spool)
    assert spool.parts() == parts
    stale.clear()

    move(place, spool)

    assert spool.parts() == {}
    assert kept(place) == parts


def test_two_recorders_publish_beside_each_other(each_place, spool, tmp_path):
    other = replace(spool, root=tmp_path / "other", recorder="standby")
    spool.record()
    other.record()
    parts = spool.parts() | other.parts()

    move(each_place, spool)
    move(each_place, other)

    assert kept(each_place) == parts


def test_another_spool_may_not_publish_under_the_same_name(each_place, spool, tmp_path):
    """Its segments are numbered as the first one's were: their parts would meet."""
    spool.record()
    move(each_place, spool)
    other = replace(spool, root=tmp_path / "other")
    other.record()

    with pytest.raises(StoreRefuses, match="another spool publishes there as main"):
        move(each_place, other)

    assert other.parts()


def test_a_store_that_would_overwrite_is_refused(lenient_place, spool):
    """What a store does that does not know the condition, shown by one that never sees it."""
    lenient_place.proxy.dropped.add("if-none-match")

    with pytest.raises(StoreRefuses, match="ignores If-None-Match"):
        move(lenient_place, spool)


def test_an_archive_of_another_format_is_left_alone(place, spool):
    place.bucket.put_once("archive.json", b'{"format": 2}')

    with pytest.raises(ArchiveFormat, match="format 2, but this version reads format 1"):
        move(place, spool)


def start(place, spool):
    """Publish in a process of its own, as a recorder does."""
    command = [sys.executable, "-m", "archiver.publish", place.remote.url, str(spool.root)]
    return subprocess.Popen(
        [*command, spool.recorder, "private", "publish"], stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_process_that_is_killed_in_mid_upload_leaves_nothing_half(place, spool):
    spool.record(2)
    parts = spool.parts()
    reached, go_on = threading.Event(), threading.Event()

    def hold(method, path):
        if method == "PUT" and path.endswith(f"{list(parts)[1].rpartition('/')[2]}"):
            reached.set()
            go_on.wait(PATIENCE)

    place.proxy.meddle = hold
    process = start(place, spool)
    assert reached.wait(PATIENCE)
    process.kill()
    process.wait()
    process.stderr.close()
    go_on.set()
    place.proxy.meddle = lambda _method, _path: None

    there = kept(place)
    assert there.items() <= parts.items()
    assert there.keys() | spool.parts().keys() == parts.keys()
    move(place, spool)
    assert kept(place) == parts
    assert spool.parts() == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "status", "told"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 75, "cannot be reached now (no answer)"),
        ({"AWS_SECRET_ACCESS_KEY": "a-wrong-one"}, 1, "access denied"),
    ],
)
def test_a_process_tells_trouble_that_passes_from_other(
    place, spool, monkeypatch, trouble, status, told
):
    spool.record()
    for name, value in trouble.items():
        monkeypatch.setenv(name, value)

    process = start(place, spool)
    _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == status
    assert told in said
    assert said.count("\n") == 1
    assert not any(secret in said for secret in ("AKIATHEKEY", "the-secret", "a-wrong-one"))
    assert spool.parts()


def test_trouble_in_the_middle_leaves_the_rest_in_the_spool(place, spool):
    spool.record(3)
    parts = spool.parts()
    publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
    puts = []

    def fail(method, path):
        puts.append(path)
        return 503 if method == "PUT" and len(puts) > 3 else None

    place.proxy.meddle = fail
    with pytest.raises(StoreUnreachable):
        list(publish.publish(Bucket(place.remote, 0), spool.root, "main"))
    place.proxy.meddle = lambda _method, _path: None

    assert 0 < len(kept(place)) < len(parts)
    assert kept(place) | spool.parts() == parts
