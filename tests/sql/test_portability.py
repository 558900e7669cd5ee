"""Runs every query on Sail, which speaks Spark's dialect, and compares it with DuckDB."""

from __future__ import annotations

import math
import os
import warnings
from datetime import date, datetime
from pathlib import Path

import pyspark
import pytest

from analytics import queries

SINCE, UNTIL = date(2026, 3, 3), date(2026, 3, 5)
HOURS = [("", datetime(2026, 3, day, 8), datetime(2026, 3, day, 17)) for day in (2, 3, 4)]


@pytest.fixture(scope="module")
def spark():
    """Serve one Sail session, in this process and on loopback."""
    os.environ.setdefault("RUST_LOG", "error")
    # The client looks for itself beside the program that runs, which is not always pytest.
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
    from pysail.spark import SparkConnectServer
    from pyspark import sql

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    session = sql.SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    session.stop()
    server.stop()


def plain(value):
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def rows(table):
    found = [[plain(value) for value in row.values()] for row in table.to_pylist()]
    return sorted(found, key=lambda row: [(value is None, str(value)) for value in row])


def same(column, one, other):
    """Sail rounds where it looks between two values for a percentile, DuckDB does not."""
    if isinstance(one, float) and isinstance(other, float):
        about = 1e-4 if any(name in column for name in ("p50", "p90", "p95")) else 1e-9
        return math.isclose(one, other, rel_tol=about, abs_tol=1e-9)
    return one == other


def assert_same(name, sail, duck):
    assert sail.column_names == duck.column_names, name
    left, right = rows(sail), rows(duck)
    assert len(left) == len(right), name
    for one, other in zip(left, right, strict=True):
        for column, here, there in zip(sail.column_names, one, other, strict=True):
            assert same(column, here, there), (name, column, here, there)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("breakdown", [None, "department", "hour"])
def test_every_query_answers_the_same_on_sail(desk, open_rows, database, spark, breakdown):
    archive = open_rows(
        desk, SINCE, UNTIL, "Europe/Rome", opening_hours=HOURS, breakdown=breakdown, chat_limit=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyspark and pandas disagree about versions
        for name in ("events", "params", "days", "opening_hours"):
            given = database.connection.execute(f"select * from {name}").to_arrow_table()
            spark.createDataFrame(given).createOrReplaceTempView(name)
        for folder, names in queries.FOLDERS.items():
            for name in names:
                sql = queries.load(folder, name).sql
                answer = spark.sql(sql)
                sail = answer.toArrow()
                if folder == "views":
                    archive.query(f"select 1 from {name} limit 0")
                    duck = database.connection.execute(f"select * from {name}").to_arrow_table()
                    kept = spark.createDataFrame(sail, schema=answer.schema)
                    kept.createOrReplaceTempView(name)
                else:
                    archive.query(sql)
                    duck = database.connection.execute(sql).to_arrow_table()
                assert_same(name, sail, duck)
