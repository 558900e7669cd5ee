"""Pins names and types of every answer: notebooks and other tools depend on them.

After a change that is meant, delete columns.txt: the next run writes it, and fails once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics import queries

GOLDEN = Path(__file__).parent / "columns.txt"


@pytest.fixture(scope="module")
def answers(open_case):
    """Ask everything of an archive without rows, once."""
    archive = open_case({})
    return {
        (folder, name): archive.query(
            f"select * from {name}" if folder == "views" else queries.load(folder, name).sql
        )
        for folder, names in queries.FOLDERS.items()
        for name in names
    }


def test_columns_are_as_they_were(answers):
    found = [
        f"{folder}/{name}.{column} {kind}"
        for (folder, name), table in answers.items()
        for column, kind in zip(table.columns, table.types, strict=True)
    ]

    before = GOLDEN.read_text().splitlines() if GOLDEN.exists() else []
    if not before:
        GOLDEN.write_text("\n".join(found) + "\n")
    assert found == before


@pytest.mark.parametrize("name", queries.METRICS)
def test_a_metric_documents_its_columns_in_order(answers, name):
    assert tuple(queries.load("metrics", name).columns) == answers["metrics", name].columns


@pytest.mark.parametrize("name", queries.VIEWS)
def test_a_view_documents_only_columns_that_it_has(answers, name):
    assert set(queries.load("views", name).columns) <= set(answers["views", name].columns)
