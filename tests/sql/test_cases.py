"""Pins every view, metric and check by examples: rows given, rows expected.

A case compares the columns that it names in `columns`, or all but what most metrics have, of the
rows that it picks by `only`, or all; what it leaves out of a row is null.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from analytics import queries

CASES = [
    pytest.param(folder.name, path.stem, case, id=f"{path.stem}: {case['name']}")
    for folder in sorted((Path(__file__).parent / "cases").iterdir())
    for path in sorted(folder.glob("*.toml"))
    for case in tomllib.loads(path.read_text("utf-8"))["case"]
]


UNLESS_NAMED = re.compile(r"slice|coverage_ratio|uncertain_count|\w+_bh_s")
"""Columns that most metrics have, compared only where a case names them."""


def is_compared(name, case):
    return not UNLESS_NAMED.fullmatch(name) or any(name in row for row in case["expect"])


def answer(archive, folder, name):
    if folder == "views":
        return archive.query(f"select * from {name} order by all")
    return archive.query(queries.load(folder, name).sql)


@pytest.mark.parametrize(("folder", "name", "case"), CASES)
def test_case(open_case, folder, name, case):
    table = answer(open_case(case), folder, name)
    columns = case.get("columns", [name for name in table.columns if is_compared(name, case)])
    assert set(columns) <= set(table.columns)

    only = case.get("only", {}).items()
    picked = [row for row in table.records() if all(row[key] == value for key, value in only)]
    rows = [{key: row[key] for key in columns} for row in picked]

    expected = [dict.fromkeys(columns) | row for row in case["expect"]]
    assert [_rounded(row) for row in rows] == [_rounded(row) for row in expected]


def _rounded(row):
    """Sums of doubles differ in the last digits by their order."""
    return {
        key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()
    }


@pytest.mark.parametrize("folder", queries.FOLDERS)
def test_every_query_is_pinned_by_three_cases_and_more(folder):
    counts = dict.fromkeys(queries.FOLDERS[folder], 0)
    for param in CASES:
        if param.values[0] == folder:
            counts[param.values[1]] += 1
    least = 1 if folder == "checks" else 3

    assert not [name for name, count in counts.items() if count < least]
