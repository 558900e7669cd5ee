"""What is done on object storage, in a real store and in moto; what goes wrong fits in a line."""

from __future__ import annotations

import os

import pytest

from archiver import bucket
from archiver.bucket import Bucket, Remote
from archiver.errors import StoreRefuses, StoreUnreachable

KEY = "project_id=one/date=2026-11-23/main-00000001.parquet"


def test_an_object_is_written_once_and_read_as_it_is(each_place):
    store = each_place.bucket

    assert store.put_once(KEY, b"0123456789")
    assert not store.put_once(KEY, b"another")
    assert store.read(KEY) == b"0123456789"
    assert store.read_range(KEY, 3, 4) == b"3456"


def test_a_large_object_is_one_request(each_place):
    data = bytes(range(256)) * 50_000

    assert each_place.bucket.put_once(KEY, data)
    assert each_place.bucket.read(KEY) == data
    assert each_place.proxy.count("PUT") == 1
    assert each_place.proxy.count("POST") == 0


def test_an_object_is_replaced_by_who_knows_the_version_that_is_there(each_place):
    store = each_place.bucket
    store.put_once(KEY, b"first")
    data, version = store.read_version(KEY)

    assert data == b"first"
    assert store.replace(KEY, b"second", version)
    assert not store.replace(KEY, b"third", version)
    assert not store.replace("nothing", b"third", version)
    assert store.read(KEY) == b"second"


def test_objects_are_removed_whether_they_are_there_or_not(each_place):
    store = each_place.bucket
    for name in (KEY, "archive.json"):
        store.put_once(name, b"x")
    assert [one.key for one in store.list_all()] == ["archive.json", KEY]

    store.remove([KEY, "nothing"])

    assert (store.find(KEY), store.find("archive.json").size) == (None, 1)
    store.remove([])


def test_an_object_is_copied_to_a_file(each_place, tmp_path):
    each_place.bucket.put_once(KEY, bytes(range(256)) * 50_000)

    with (tmp_path / "copy").open("wb") as file:
        each_place.bucket.download(KEY, file)

    assert (tmp_path / "copy").read_bytes() == bytes(range(256)) * 50_000


def test_a_folder_tells_its_folders_and_its_objects(each_place):
    store = each_place.bucket
    for name in ("archive.json", KEY, "project_id=two/date=2026-11-24/x.parquet"):
        store.put_once(name, b"12345")

    assert store.list().folders == ["project_id=one", "project_id=two"]
    assert [one.key for one in store.list().objects] == ["archive.json"]
    (part,) = store.list("project_id=one/date=2026-11-23").objects
    assert (part.url, part.size) == (f"{each_place.remote}/{KEY}", 5)
    assert part.name == "main-00000001.parquet"
    assert store.list("project_id=on") == ([], [])


def test_a_file_reads_what_is_asked_for(each_place):
    store = each_place.bucket
    store.put_once(KEY, bytes(range(200)) * 1000)
    (part,) = store.list(KEY.rpartition("/")[0]).objects
    each_place.proxy.asked.clear()

    with store.open(part) as file:
        file.seek(-10, 2)
        assert file.read() == bytes(range(190, 200))
        assert file.read() == b""
        file.seek(5)
        assert file.read(3) == b"\x05\x06\x07"
        assert file.tell() == 8

    assert each_place.proxy.read() == 13


def test_what_is_not_there_is_not_found(each_place):
    with pytest.raises(FileNotFoundError):
        each_place.bucket.read("archive.json")


def test_a_bucket_that_is_not_there_is_named(each_place):
    for do in (
        lambda one: one.read("archive.json"),
        lambda one: one.list(),
        lambda one: one.put_once(KEY, b"x"),
    ):
        with pytest.raises(StoreRefuses) as told:
            do(Bucket(Remote("s3://nowhere-at-all/kept"), 0))
        assert str(told.value) == (
            "s3://nowhere-at-all/kept: no such bucket; make it, or name another"
        )


def test_who_may_not_is_told_so_and_no_key_is_told(place, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")

    with pytest.raises(StoreRefuses) as told:
        place.bucket.list()

    assert str(told.value) == (
        f"{place.remote}: access denied; look at the credentials, and at what they may do"
    )
    assert told.value.__suppress_context__


def test_a_profile_is_read_where_the_environment_has_no_keys(place, monkeypatch, tmp_path):
    lines = [
        "[desk]",
        f"aws_access_key_id = {os.environ['AWS_ACCESS_KEY_ID']}",
        f"aws_secret_access_key = {os.environ['AWS_SECRET_ACCESS_KEY']}",
    ]
    (tmp_path / "credentials").write_text("\n".join(lines))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "desk")
    assert place.bucket.put_once(KEY, b"by profile")

    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreRefuses, match="nobody"):
        Bucket(place.remote)


def test_a_store_in_trouble_is_unreachable(place):
    place.proxy.meddle = lambda _method, _path: 503

    with pytest.raises(StoreUnreachable) as told:
        place.bucket.read("archive.json")

    assert str(told.value) == f"{place.remote}: cannot be reached now (status 503); try again later"


def test_a_store_that_is_not_there_is_unreachable(place, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(StoreUnreachable) as told:
        place.bucket.read("archive.json")

    assert str(told.value) == f"{place.remote}: cannot be reached now (no answer); try again later"


def test_trouble_that_passes_is_not_told(place):
    place.bucket.put_once(KEY, b"here")
    left = [503, 500]
    place.proxy.meddle = lambda _method, _path: left.pop() if left else None

    assert Bucket(place.remote, 2).read(KEY) == b"here"


@pytest.mark.parametrize(
    "text",
    ["http://chats", "s3://", "s3:///kept", "s3://chats?x=1", "ftp://a/b", "s3://k:s3cret@c"],
)
def test_what_is_no_address_is_said(text):
    with pytest.raises(StoreRefuses, match="none of an archive; name a folder, or") as told:
        bucket.parse(text)

    assert "s3cret" not in str(told.value)


def test_an_address_ends_without_a_slash():
    assert str(bucket.parse("s3://chats/kept/")) == "s3://chats/kept"
