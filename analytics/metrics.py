"""Metrics and checks: a question by its name, and its rows. The SQL says what each means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from analytics import queries
from analytics.archive import Archive
from analytics.engine import Table
from analytics.errors import QueryWrong
from analytics.queries import Query

EXAMPLES = 3

_PLACE = ("date", "slice")
_CHAT = (
    "fact",
    "conversation_id",
    "session_no",
    "agent_id",
    "detail",
    "happened_at",
    "seconds",
    "value",
    "is_in_gap",
    "is_uncertain",
)

# The rows of the whole window would only repeat those of its days.
_BEHIND = """
select
    {columns}
from cells
inner join measured
    on cells.cell = measured.cell
where measured.fact in ({facts}) and cells.date is not null
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    measured.fact asc nulls last,
    measured.happened_at asc nulls last,
    measured.conversation_id asc nulls last,
    measured.session_no asc nulls last,
    measured.agent_id asc nulls last
"""


def catalogue() -> list[Query]:
    """Return every metric, in the order of a report."""
    return [queries.load("metrics", name) for name in queries.METRICS]


def run(archive: Archive, name: str) -> Table:
    """Return a metric's rows."""
    return archive.query(statement(name, archive.settings.breakdown))


def chats(archive: Archive, name: str) -> Table:
    """Return the chats behind a metric's rows, day by day."""
    return archive.query(statement(name, archive.settings.breakdown, chats=True))


def statement(name: str, breakdown: str | None, *, chats: bool = False) -> str:
    """Return what asks for a metric, or for the chats behind it.

    The slice bears the name of what it is broken down by.
    """
    refuse(name, breakdown, chats=chats)
    metric = queries.load("metrics", name)
    sql = metric.sql
    if chats:
        columns = [*(f"cells.{name}" for name in _PLACE), *(f"measured.{name}" for name in _CHAT)]
        facts = ", ".join(f"'{fact}'" for fact in metric.facts)
        sql = _BEHIND.format(columns=", ".join(columns), facts=facts)
    elif "slice" not in metric.columns:
        return sql
    named = _named((*_PLACE, *_CHAT) if chats else metric.columns, breakdown)
    return f"select {named} from ({sql}) as told"  # noqa: S608 (ours)


def _named(columns: Iterable[str], breakdown: str | None) -> str:
    """Return columns, the slice by another name, or left out where nothing is broken down."""
    return ", ".join(
        f"{name} as {breakdown}" if name == "slice" else name
        for name in columns
        if breakdown or name != "slice"
    )


def refuse(name: str, breakdown: str | None, *, chats: bool = False) -> None:
    """Say so if a metric cannot be broken down so, or has no chats behind it."""
    metric = queries.load("metrics", name)
    if breakdown is not None and breakdown not in metric.by:
        raise QueryWrong(f"{name}: not by {breakdown}; {_possible(metric)}")
    if chats and not metric.facts:
        raise QueryWrong(f"{name}: its rows have no chats behind them; leave out --chats")


def examples(archive: Archive, name: str) -> list[tuple[str, Table]]:
    """Return some of a metric's rows, and of the chats behind them, with a title each."""
    window = archive.window
    found = [(f"From {window.since} to {window.until} ({window.tz})", run(archive, name))]
    if queries.load("metrics", name).facts:
        found.append(("Chats behind it", chats(archive, name)))
    return [(title, replace(table, rows=table.rows[:EXAMPLES])) for title, table in found]


def _possible(metric: Query) -> str:
    if not metric.by:
        return "it cannot be broken down"
    return f"it can be broken down by {', '.join(metric.by)}"


def check(archive: Archive, name: str) -> Table:
    """Return the rows that should not be there."""
    return archive.query(queries.load("checks", name).sql)


def explain(name: str) -> str:
    """Return a metric's definition, followed by the views that it stands on."""
    metric = queries.load("metrics", name)
    views = [queries.load("views", view) for view in queries.needed(metric.sql)]
    told = [f"--   {view.name}: {view.doc}" for view in views]
    return "\n".join([metric.text.rstrip(), "", "-- Views that it stands on:", *told, ""])
