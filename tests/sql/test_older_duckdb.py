"""Runs every query on the oldest DuckDB that is supported, and compares it with the newest.

`make test` installs it beside the environment, where only this test looks.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

OLDER = Path(sys.prefix) / "duckdb-1.5"
PROGRAM = Path(__file__).parent / "answer.py"


def answers(rows, breakdown, **environment):
    asked = [rows, "2026-03-03", "2026-03-05", "Europe/Rome", breakdown]
    done = subprocess.run(
        [sys.executable, PROGRAM, *asked],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def same(one, other):
    """Compare values; sums of doubles differ in the last digits by their order."""
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def ordered(rows):
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


@pytest.mark.slow
@pytest.mark.parametrize("breakdown", ["", "department"])
def test_every_query_answers_the_same_on_the_oldest_duckdb(desk, tmp_path, breakdown):
    assert (OLDER / "duckdb").is_dir(), f"no DuckDB in {OLDER}; 'make test' installs it"
    rows = tmp_path / "rows.parquet"
    pq.write_table(desk, rows)

    newest = answers(rows, breakdown)
    oldest = answers(rows, breakdown, PYTHONPATH=str(OLDER))

    assert newest.pop("version") == duckdb.__version__
    assert oldest.pop("version").startswith("1.5.")
    assert newest.keys() == oldest.keys()
    for name, (columns, *found) in newest.items():
        assert oldest[name][0] == columns, name
        older = ordered(oldest[name][1:])
        assert len(older) == len(found), name
        for one, other in zip(ordered(found), older, strict=True):
            assert all(map(same, one, other)), (name, one, other)
