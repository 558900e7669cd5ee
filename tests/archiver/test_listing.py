"""Listing a partition while a compaction replaces its parts."""

from __future__ import annotations

import json
import os
import threading

import pytest

from archiver import listing, manifest
from archiver.errors import PartitionDamaged
from archiver.manifest import Manifest, compacted_name

OLD, LATE = "main-00000001.parquet", "main-00000002.parquet"
NEW = compacted_name(1, 1)
AFTER = Manifest(1, (NEW,), {OLD: "2026-11-24T01:00:00.000000Z"})


def names(found):
    return [path.name for path in found.parts]


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert listing.look(tmp_path / "nowhere").parts == []


def test_a_manifest_that_is_damaged_is_one_line(tmp_path):
    (tmp_path / manifest.NAME).write_text("[]")

    with pytest.raises(PartitionDamaged) as caught:
        listing.look(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}/_manifest.json: not a manifest of this format; restore it from a copy"
    )


def answer(path, contents):
    """Let each reading of a file find another text; before each, something happens."""
    for happen, text in contents:
        with path.open("wb") as file:  # until somebody reads
            fresh = path.with_name("fresh")
            os.mkfifo(fresh)
            fresh.rename(path)  # the next reading is not this one's
            happen()
            file.write(json.dumps(text.to_json()).encode())


def test_a_manifest_that_is_replaced_meanwhile_is_read_anew_and_so_is_the_folder(tmp_path):
    path = tmp_path / manifest.NAME
    os.mkfifo(path)
    (tmp_path / OLD).touch()
    (tmp_path / LATE).touch()

    def compact():
        (tmp_path / NEW).touch()
        (tmp_path / OLD).unlink()  # there is no grace here

    def nothing():
        pass

    contents = [(nothing, Manifest()), (compact, AFTER), (nothing, AFTER)]
    beside = threading.Thread(target=answer, args=(path, contents), daemon=True)
    beside.start()

    found = listing.look(tmp_path)

    assert names(found) == [NEW, LATE]
    assert {path.name for path in found.compacted} == {NEW}
    assert {path.name for path in found.origins} == {OLD}
    assert {NEW, LATE} < found.names
    assert OLD not in found.names
    beside.join(10)
    assert not beside.is_alive()
