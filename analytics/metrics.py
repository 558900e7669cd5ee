"""Metrics and checks: a question by its name, and its rows. The SQL says what each means."""

from __future__ import annotations

from analytics import queries
from analytics.archive import Archive, Table
from analytics.queries import Query


def catalogue() -> list[Query]:
    """Return every metric, in the order of a report."""
    return [queries.load("metrics", name) for name in queries.METRICS]


def run(archive: Archive, name: str) -> Table:
    """Return a metric's rows."""
    return archive.query(queries.load("metrics", name).sql)


def check(archive: Archive, name: str) -> Table:
    """Return the rows that should not be there."""
    return archive.query(queries.load("checks", name).sql)


def explain(name: str) -> str:
    """Return a metric's definition, followed by the views that it stands on."""
    metric = queries.load("metrics", name)
    views = [queries.load("views", view) for view in queries.needed(metric.sql)]
    told = [f"--   {view.name}: {view.doc}" for view in views]
    return "\n".join([metric.text.rstrip(), "", "-- Views that it stands on:", *told, ""])
