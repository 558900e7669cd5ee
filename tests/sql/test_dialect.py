"""Keeps the queries to the words that DuckDB, Spark and Sail understand alike."""

from __future__ import annotations

import re

import pytest

from analytics import queries
from analytics.errors import QueryWrong

FORBIDDEN = {
    "another name for durations": r"\b(epoch|epoch_ms|epoch_us|datediff|date_diff|age)\s*\(",
    "latest row without a sub-query": r"\bqualify\b|\bdistinct on\b",
    "grouping unsaid": r"\bgroup by all\b|\border by all\b",
    "percentile of one engine": r"\b(quantile\w*|median|approx_\w+|percentile)\s*\(",
    "series of one engine": r"\bgenerate_series\b|\brange\s*\(|\bsequence\s*\(|\bunnest\s*\(",
    "join of one engine": r"\basof\b|\blateral\b|\busing\s*\(",
    "JSON of one engine": r"->>?|\bjson_\w+\s*\(|\bfrom_json\b",
    "list by index": r"\w\[\d",
    "lambda": r"->",
    "regular expression": r"\bregexp\w*|\brlike\b|\bsimilar to\b|~",
    "formatting of one engine": r"\bstrftime\b|\bdate_format\b|\bprintf\b|\bconcat\s*\(",
    "pivot": r"\bpivot\b",
    "columns unsaid": r"\*\s*(exclude|except|replace)\b",
    "interval in one text": r"interval\s+'\d+\s+\w+'",
    "zoned literal": r"\btimestamptz\b|\bat time zone\b|\btimezone\s*\(",
    "cast of one engine": r"::",
    "the clock": r"\b(now|current_timestamp|current_date|today)\b(?!_)",
    "backslash": r"\\",
    "parameter": r"\$\w",
    "division by what may be zero": r"/(?!\s*(?:nullif\(|1e3\b|1e6\b|9e8\b|3\.6e9\b|8\.64e10\b))",
    "file": r"\bread_\w+\s*\(",
}
QUERIES = [
    pytest.param(folder, name, id=f"{folder}/{name}")
    for folder, names in queries.FOLDERS.items()
    for name in names
]


def without_texts(sql):
    return re.sub(r"'\$[^']*'", "''", sql)


@pytest.mark.parametrize(("folder", "name"), QUERIES)
def test_a_query_uses_only_what_every_engine_knows(folder, name):
    sql = without_texts(queries.load(folder, name).sql)

    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, sql, re.IGNORECASE)]

    assert not found


@pytest.mark.parametrize(("folder", "name"), QUERIES)
def test_a_percentile_s_fraction_is_a_literal(folder, name):
    for fraction in re.findall(r"percentile_cont\(([^)]*)\)", queries.load(folder, name).sql):
        assert re.fullmatch(r"0\.\d+", fraction)


@pytest.mark.parametrize(("folder", "name"), QUERIES)
def test_an_order_says_where_null_stands(folder, name):
    query = queries.load(folder, name)
    end = re.search(r"\norder by([^()]*)\Z", query.sql)

    if folder != "views" and query.grain != "one row for the window":
        assert end is not None
    for key in (end[1] if end else "").split(","):
        assert not key or re.search(r"(asc|desc) nulls (first|last)\s*\Z", key)


@pytest.mark.parametrize("name", queries.METRICS)
def test_a_metric_asks_views_and_never_a_payload_of_the_server(name):
    sql = queries.load("metrics", name).sql

    assert "payload" not in sql or name == "data_quality"


@pytest.mark.parametrize("name", queries.VIEWS)
def test_a_view_stands_only_on_those_before_it(name):
    before = queries.VIEWS[: queries.VIEWS.index(name)]
    sql = queries.load("views", name).sql
    own = set(re.findall(r"(\w+) as \(", sql)) | set(re.findall(r"\bas (\w+)", sql))

    relations = set(re.findall(r"\b(?:from|join)\s+(\w+)", sql)) - own

    assert relations <= {*before, "events", "params", "days", "opening_hours"}


def test_the_order_of_views_and_metrics_names_every_file():
    for folder, names in queries.FOLDERS.items():
        files = (queries.files("analytics.sql") / folder).iterdir()
        assert sorted(names) == sorted(path.name.removesuffix(".sql") for path in files)


def test_a_header_that_lacks_something_is_refused():
    with pytest.raises(QueryWrong) as refused:
        queries.parse("metrics", "m", "-- m: A metric.\n-- grain: one row\nselect 1")

    assert str(refused.value) == "metrics/m.sql: the header lacks 'anchor'"


def test_a_header_that_hides_a_parameter_is_refused():
    text = (
        "-- m: A metric.\n-- grain: one row\n-- anchor: none\n-- units: none\n-- params: tz\n"
        "-- columns:\n--   x: one\nselect params.now_utc as x from params"
    )
    with pytest.raises(QueryWrong) as refused:
        queries.parse("metrics", "m", text)

    assert str(refused.value) == ("metrics/m.sql: declares params ['tz'], but reads ['now_utc']")
