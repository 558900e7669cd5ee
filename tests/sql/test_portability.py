"""Runs every query on Sail, which speaks Spark's dialect, and compares it with DuckDB."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import date, datetime

import pytest

from analytics import queries
from analytics.archive import Archive
from analytics.duck import Duck
from analytics.folder import Folder
from analytics.settings import Settings
from analytics.spark import Spark
from analytics.window import choose

WINDOW = choose(date(2026, 3, 3), date(2026, 3, 5), "Europe/Rome", datetime(2026, 4, 4))
HOURS = [("", datetime(2026, 3, day, 8), datetime(2026, 3, day, 17)) for day in (2, 3, 4)]


def opened(engine, root, breakdown):
    folder = Folder(root)
    project_id = folder.project(None)
    days = folder.days(project_id)
    archive = Archive(engine, project_id, WINDOW, Settings(breakdown=breakdown, chat_limit=3))
    archive.tell(HOURS)
    archive.read(folder.parts(project_id, days), folder.unsealed, days)
    return closing(archive)


def ordered(rows):
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


def same(column, one, other):
    """Sail rounds where it looks between two values for a percentile, DuckDB does not."""
    if isinstance(one, float) and isinstance(other, float):
        about = 1e-4 if any(name in column for name in ("p50", "p90", "p95")) else 1e-9
        return math.isclose(one, other, rel_tol=about, abs_tol=1e-9)
    return one == other


def asked(breakdown):
    """Yield folder, name, statement of every view, and of what can be broken down so, if it is."""
    for folder, names in queries.FOLDERS.items():
        for name in names:
            one = queries.load(folder, name)
            if folder == "views":
                yield folder, name, f"select * from {name}"
            elif breakdown in (None, *one.by):
                yield folder, name, one.sql


def assert_same(folder, name, spark, duck):
    """Hold answers together; only metrics' types are shown, and views are not ordered."""
    is_ordered = folder != "views"
    assert spark.columns == duck.columns, name
    assert folder != "metrics" or spark.types == duck.types, name
    assert len(spark.rows) == len(duck.rows), name
    told, expected = (one.rows if is_ordered else ordered(one.rows) for one in (spark, duck))
    for one, other in zip(told, expected, strict=True):
        for column, here, there in zip(spark.columns, one, other, strict=True):
            assert same(column, here, there), (name, column, here, there)


@pytest.mark.slow
@pytest.mark.parametrize("breakdown", [None, "department", "hour"])
def test_every_query_answers_the_same_on_sail(recorded, sail, breakdown):
    with (
        opened(Spark(sail), recorded, breakdown) as spark,
        opened(Duck(), recorded, breakdown) as duck,
    ):
        for folder, name, sql in asked(breakdown):
            assert_same(folder, name, spark.query(sql), duck.query(sql))
