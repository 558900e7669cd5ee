"""What counts in a partition that was compacted."""

from __future__ import annotations

import json

import pytest

from archiver import contract
from archiver.manifest import NAME, Manifest, compacted_name, is_compacted

SEALED = [contract.part_name("main", number) for number in (1, 2, 3)]
COMPACTED = compacted_name(7, 1)


def test_without_a_manifest_every_sealed_part_counts_and_no_compacted_one():
    names = [*SEALED, COMPACTED, NAME, ".main-00000004.parquet.draft"]

    assert Manifest().counting(names) == SEALED


def test_a_replaced_part_does_not_count_and_one_sealed_later_does():
    manifest = Manifest(7, (COMPACTED,), dict.fromkeys(SEALED[:2], "2026-11-24"))

    assert manifest.counting([*SEALED, COMPACTED]) == [COMPACTED, SEALED[2]]
    assert manifest.counting([SEALED[2], COMPACTED]) == [COMPACTED, SEALED[2]]


def test_a_part_that_a_manifest_names_counts_though_it_is_missing():
    assert Manifest(7, (COMPACTED,)).counting([]) == [COMPACTED]


def test_no_recorder_can_write_a_part_that_looks_compacted():
    recorder = COMPACTED.rpartition("-")[0]

    assert is_compacted(COMPACTED)
    assert contract.part_name(recorder, 1).startswith(recorder)
    assert not contract.is_project_id(recorder)  # which is what a recorder's name must be


def test_a_manifest_comes_back_as_it_was_written():
    manifest = Manifest(7, (COMPACTED,), dict.fromkeys(SEALED, "2026-11-24"))

    assert Manifest.from_text(json.dumps(manifest.to_json()).encode()) == manifest


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"format":2,"generation":1,"parts":[],"replaced":{}}']
)
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        Manifest.from_text(text)
