"""Metrics and checks: a question by its name, and its rows. The SQL says what each means."""

from __future__ import annotations

from dataclasses import replace

from analytics import queries
from analytics.archive import Archive, Table
from analytics.errors import QueryWrong
from analytics.queries import Query

EXAMPLES = 3

# The rows of the whole window would only repeat those of its days.
_BEHIND = """
select
    cells.date,
    cells.slice,
    measured.fact,
    measured.conversation_id,
    measured.session_no,
    measured.agent_id,
    measured.detail,
    measured.happened_at,
    measured.seconds,
    measured.value,
    measured.is_in_gap,
    measured.is_uncertain
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
        sql = _BEHIND.format(facts=", ".join(f"'{fact}'" for fact in metric.facts))
    elif "slice" not in metric.columns:
        return sql
    named = "exclude (slice)" if breakdown is None else f'rename (slice as "{breakdown}")'
    return f"select * {named} from ({sql})"  # noqa: S608 (ours)


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
