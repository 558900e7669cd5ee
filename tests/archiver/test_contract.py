"""The archive's format: names, types and places that readers count on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from archiver import contract

P = "65f0a1b2c3d4e5f601234567"


def test_every_column_has_one_name_a_known_type_and_a_meaning():
    assert len(set(contract.NAMES)) == len(contract.NAMES)
    assert all(column.doc for column in contract.COLUMNS)
    assert contract.schema().names == list(contract.NAMES)


def test_the_payload_is_the_last_column():
    assert contract.NAMES[-1] == "payload"


def test_only_entities_have_paths_and_every_typed_column_has_one():
    assert all(column.paths for column in contract.TYPED)
    kinds = {kind for column in contract.TYPED for kind in column.paths}
    assert kinds == {"request", "message", "agent"}
    assert not any(column.paths for column in (*contract.ENVELOPE, contract.PAYLOAD))


def test_times_are_microseconds_of_utc():
    times = [c.name for c in contract.COLUMNS if c.type == "time"]

    assert {str(contract.schema().field(name).type) for name in times} == {"timestamp[us, tz=UTC]"}


@pytest.mark.parametrize("text", [P, "0", "a-b_c", "A" * 64])
def test_what_can_be_a_project(text):
    assert contract.is_project_id(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "-a", "_unknown", "a/b", "a b", "a=b", "a\n", "é", "A" * 65, "a%2f"]
)
def test_what_cannot_be_a_project_nor_a_folder(text):
    assert not contract.is_project_id(text)


def test_a_part_lies_where_its_pattern_looks():
    folder = contract.partition(Path("archive"), P, date(2026, 1, 2))
    path = folder / contract.part_name("main", 17)

    assert path == Path(f"archive/project_id={P}/date=2026-01-02/main-00000017.parquet")
    assert path.match(contract.parts_glob())
    assert path.match(contract.parts_glob(P, "2026-01-02"))
    assert not path.match(contract.parts_glob(P, "2026-01-03"))
