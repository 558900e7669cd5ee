"""`status` and `verify` on an archive in a bucket: what they tell of a folder."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from archiver import fs, publish
from archiver.cli import cli


def ask(command, *arguments):
    return CliRunner().invoke(cli, [command, "--archive", *map(str, arguments)])


def told(*arguments):
    found = ask("status", *arguments, "--format", "json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


@pytest.fixture
def published(place, spool):
    """Some parts in the store, and some in the spool."""

    def move():
        publish.begin(place.bucket, spool.root, "main", fs.PRIVATE)
        for _ in publish.publish(place.bucket, spool.root, "main"):
            pass

    spool.record(2, ("one", "two"))
    whole = told(spool.root)
    move()
    return whole, place.remote.url, spool


def test_status_tells_what_it_told_of_the_folder(published):
    whole, url, _ = published

    assert told(url) == whole | {"unsealed": []}
    assert {day["project_id"] for day in whole["days"]} == {"one", "two"}


def test_status_tells_what_is_in_the_spool_once(published, place):
    _, url, spool = published
    spool.record(1, ("one",))
    whole = told(url, "--spool", spool.root)
    key, data = next(iter(spool.parts().items()))
    place.bucket.put_once(key, data)

    again = told(url, "--spool", spool.root)

    assert again["days"] == whole["days"]
    assert whole["days"][0]["rows"] > told(url)["days"][0]["rows"]
    assert [one["recorder"] for one in again["unsealed"]] == ["main"]


def test_verify_finds_nothing_where_nothing_is(published):
    _, url, spool = published
    spool.record()

    for arguments in ((url,), (url, "--spool", spool.root)):
        found = ask("verify", *arguments)
        assert (found.exit_code, found.stdout) == (0, "")


def test_verify_finds_a_damaged_object(published, place):
    _, url, _ = published
    folder = "project_id=one/date=2026-11-23"
    (whole, *_) = place.bucket.list(folder).objects
    data = bytearray(place.bucket.read(whole.key))
    data[len(data) // 3] ^= 255
    place.bucket.put_once(f"{folder}/main-00000099.parquet", bytes(data))

    found = ask("verify", url)

    assert found.exit_code == 3
    assert f"{url}/{folder}/main-00000099.parquet: " in found.stdout


def test_verify_finds_the_same_sequences_twice(published, place):
    _, url, _ = published
    folder = "project_id=one/date=2026-11-23"
    (whole, *_) = place.bucket.list(folder).objects
    place.bucket.put_once(f"{folder}/main-00000099.parquet", place.bucket.read(whole.key))

    found = ask("verify", url)

    assert found.exit_code == 3
    assert "not what its name says" in found.stdout


def test_no_archive_is_said(place):
    for command in ("status", "verify"):
        found = ask(command, place.remote.url)
        assert found.exit_code == 1
        assert found.stderr == (
            f"Error: {place.remote}: no archive here; name the address given to 'archiver record'\n"
        )


def test_a_command_for_folders_says_so(place):
    found = ask("seal", place.remote.url)

    assert found.exit_code == 2
    assert "name the recorder's spool" in found.stderr
