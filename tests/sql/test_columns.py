"""Pins names and types of every answer: notebooks and other tools depend on them.

After a change that is meant, delete columns.txt: the next run writes it, and fails once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics import queries

GOLDEN = Path(__file__).parent / "columns.txt"


def described(archive, folder):
    for name in queries.FOLDERS[folder]:
        sql = queries.load(folder, name).sql
        table = archive.query(f"select * from {name} limit 0" if folder == "views" else sql)
        for column, kind in zip(table.columns, table.types, strict=True):
            yield f"{folder}/{name}.{column} {kind}"


def test_columns_are_as_they_were(open_case):
    archive = open_case({})

    found = [line for folder in queries.FOLDERS for line in described(archive, folder)]

    before = GOLDEN.read_text().splitlines() if GOLDEN.exists() else []
    if not before:
        GOLDEN.write_text("\n".join(found) + "\n")
    assert found == before


@pytest.mark.parametrize("name", queries.METRICS)
def test_a_metric_documents_its_columns_in_order(open_case, name):
    metric = queries.load("metrics", name)

    assert tuple(metric.columns) == open_case({}).query(metric.sql).columns


@pytest.mark.parametrize("name", queries.VIEWS)
def test_a_view_documents_only_columns_that_it_has(open_case, name):
    columns = open_case({}).query(f"select * from {name}").columns

    assert set(queries.load("views", name).columns) <= set(columns)
