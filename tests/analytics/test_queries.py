"""The header of a query: what it declares is what the query reads."""

from __future__ import annotations

import re

import pytest

from analytics import queries
from analytics.errors import QueryWrong
from analytics.settings import BREAKDOWNS

HEADER = (
    "-- m: A metric.\n-- grain: one row\n-- anchor: none\n-- units: none\n"
    "-- columns:\n--   x: one\n"
)


def parsed(fields, sql):
    return queries.parse("metrics", "m", f"{HEADER}{fields}{sql}")


def test_a_metric_says_what_it_may_be_broken_down_by_and_whose_definition_it_is():
    metric = parsed(
        "-- by: agent, hour\n-- follows: Zendesk wait\n-- edge: reopen: a new wait\n"
        "-- facts: asked, answered\n",
        "select 1 from cells left join measured on measured.fact in ('asked', 'answered')",
    )

    assert metric.by == ("agent", "hour")
    assert metric.follows == "Zendesk wait"
    assert metric.edge == "reopen: a new wait"
    assert metric.facts == ("asked", "answered")


def test_a_breakdown_that_there_is_not_is_refused():
    with pytest.raises(QueryWrong) as refused:
        parsed("-- by: agent, moon\n", "select 1 from cells")

    assert str(refused.value) == (
        f"metrics/m.sql: no breakdown ['moon']; there is {', '.join(BREAKDOWNS)}"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from measured where measured.fact = 'answered'",
        "select 1 from measured where fact in ('asked', 'left')",
    ],
)
def test_facts_that_are_not_those_of_the_query_are_refused(sql):
    with pytest.raises(QueryWrong) as refused:
        parsed("-- facts: asked\n", sql)

    assert str(refused.value).startswith("metrics/m.sql: declares facts ['asked'], but asks for [")


@pytest.mark.parametrize("name", queries.METRICS)
def test_a_metric_that_counts_facts_names_them_so_that_their_chats_can_be_seen(name):
    metric = queries.load("metrics", name)

    assert metric.facts or "measured" not in metric.words


@pytest.mark.parametrize("name", queries.METRICS)
def test_the_facts_that_a_metric_names_are_told_by_some_view(name):
    told = {
        fact
        for view in queries.VIEWS
        for fact in re.findall(r"'(\w+)'", queries.load("views", view).sql)
    }

    assert set(queries.load("metrics", name).facts) <= told
