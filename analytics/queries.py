"""The SQL files: found in the package, their headers read, the views in their order.

A query's header is its documentation:

    -- name: One sentence.
    -- grain: one row a …
    -- anchor: which instant puts a row into the window
    -- units: seconds
    -- params: columns of `params` that it reads
    -- caveat: what to know before believing it
    -- columns:
    --   column: what it holds

This module reads text; it runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from analytics.errors import QueryWrong
from analytics.settings import BREAKDOWNS

# Each view stands only on those before it (and on `events`, `params`, `days`).
VIEWS = (
    "receipts",
    "deliveries",
    "quarters",
    "periods",
    "quarter_periods",
    "coverage",
    "gap_reports",
    "gap_lags",
    "gaps",
    "holes",
    "uncovered",
    "lives",
    "living",
    "seatings",
    "callings",
    "request_versions",
    "close_details",
    "conversations",
    "sessions",
    "weekday_hours",
    "session_versions",
    "status_intervals",
    "department_stretches",
    "bot_stretches",
    "agents",
    "assignments",
    "received_messages",
    "messages",
    "turns",
    "responses",
    "needs",
    "waits",
    "handovers",
    "ratings",
    "outcomes",
    "tiledesk_chats",
    "agent_status",
    "chat_levels",
    "engagements",
    "agent_levels",
    "intervals",
    "backlog_by_interval",
    "agent_timeline",
    "work",
    "work_levels",
    "agent_times",
    "agent_doings",
    "presence_stretches",
    "slice_stretches",
    "slices",
    "work_pieces",
    "cells",
    "covered_periods",
    "covered_days",
    "split_times",
    "cell_levels",
    "wait_times",
    "talk_times",
    "handle_times",
    "assignment_ends",
    "happenings",
    "writings",
    "facts",
    "timed_facts",
    "measured",
    "chats_now",
    "waiting_now",
    "agents_now",
    "gauges",
)

# What is only named: each is read once, or by metrics of which each reads other rows of it, so that
# working it out as a whole would hold in memory what nobody asks for at once.
NAMED = frozenset({"facts", "measured", "receipts"})

# In the order in which a report tells them.
METRICS = (
    "chats_offered",
    "chats_closed",
    "human_requests",
    "bot_containment",
    "abandonment",
    "first_response_human",
    "first_response_customer",
    "first_response_bot",
    "queue_time",
    "speed_to_accept",
    "service_level",
    "response_time",
    "turn_service_level",
    "visitor_response",
    "session_duration",
    "active_duration",
    "idle_tail",
    "resolution_time",
    "handle_time",
    "transfers",
    "transfer_wait",
    "patience",
    "patience_mean",
    "missed_assignments",
    "unassigned_share",
    "abandoned_by_agents",
    "close_reasons",
    "dropped_chats",
    "one_touch",
    "reopen_rate",
    "satisfaction",
    "messages_by_role",
    "arrivals_by_hour",
    "arrivals_by_weekday_hour",
    "backlog_at_midnight",
    "bot_time",
    "queue_length",
    "chats_in_progress",
    "agent_chats",
    "agent_response",
    "agent_handle_time",
    "agent_load",
    "agent_productivity",
    "agent_closes",
    "agent_satisfaction",
    "agent_messages",
    "agent_availability",
    "agent_presence",
    "agent_day",
    "load_by_interval",
    "handle_time_by_concurrency",
    "deferred_work",
    "tiledesk_compatible",
    "tiledesk_differences",
    "coverage_by_day",
    "data_quality",
)

# What a report tells if nobody chooses.
REPORT = (
    "chats_offered",
    "chats_closed",
    "bot_containment",
    "abandonment",
    "first_response_human",
    "first_response_customer",
    "response_time",
    "queue_time",
    "service_level",
    "session_duration",
    "active_duration",
    "transfers",
    "close_reasons",
    "satisfaction",
    "messages_by_role",
    "arrivals_by_hour",
    "backlog_at_midnight",
    "agent_chats",
    "agent_response",
    "agent_load",
    "agent_availability",
    "tiledesk_compatible",
    "tiledesk_differences",
    "coverage_by_day",
    "data_quality",
)

CHECKS = (
    "row_key_twice",
    "closed_before_opened",
    "sessions_overlap",
    "assigned_outside_session",
    "gap_inside_coverage",
    "unknown_status",
)

# Rows to take along: one each, with all that is derived of it.
EXPORTS = ("sessions", "assignments", "messages", "agent_status")

FOLDERS = {"views": VIEWS, "metrics": METRICS, "checks": CHECKS, "exports": EXPORTS}
_NEEDED = {
    "views": ("grain", "columns"),
    "metrics": ("grain", "anchor", "units", "columns"),
    "checks": ("grain",),
    "exports": ("grain", "anchor", "columns"),
}

_WORD = re.compile(r"\w+")
_UNION = "\nunion all\n"
_COMMENT = re.compile(r"--[^\n]*")
_COLUMN = re.compile(r"--   (\w+): (.+)")
_FIELD = re.compile(r"-- (\w+):\s*(.*)")
_FACT = re.compile(r"\bfact\s*(?:=\s*'(\w+)'|in\s*\(([^()]*)\))")


@dataclass(frozen=True)
class Query:
    """One SQL file: what its header says, and the statement."""

    name: str
    doc: str
    grain: str
    anchor: str | None
    units: str | None
    caveat: str | None
    edge: str | None
    """What becomes of reopened and transferred chats, and of gaps."""
    follows: str | None
    """Whose definition it is."""
    by: tuple[str, ...]
    """What it may be broken down by."""
    facts: tuple[str, ...]
    """The facts whose chats stand behind its rows."""
    params: tuple[str, ...]
    columns: dict[str, str]
    text: str
    sql: str

    @property
    def words(self) -> frozenset[str]:
        """Every word of the statement; views that it stands on are among them."""
        return frozenset(_WORD.findall(self.sql))

    @property
    def texts(self) -> frozenset[str]:
        """Every text that stands in the statement; the facts that it tells are among them."""
        return frozenset(re.findall(r"'(\w+)'", self.sql))


def parse(folder: str, name: str, text: str) -> Query:
    """Read a query's header, and hold it to the parameters that the query reads."""
    fields, columns = _header(text)
    sql = _COMMENT.sub("", text).strip()
    where = f"{folder}/{name}.sql"
    for field in (name, *_NEEDED[folder]):
        if field not in fields:
            raise QueryWrong(f"{where}: the header lacks {field!r}")
    query = Query(
        name,
        fields[name],
        fields["grain"],
        fields.get("anchor"),
        fields.get("units"),
        fields.get("caveat"),
        fields.get("edge"),
        fields.get("follows"),
        _listed(fields, "by"),
        _listed(fields, "facts"),
        _listed(fields, "params"),
        columns,
        text,
        sql,
    )
    if folder == "metrics":
        _hold(query, where)
    return query


def _listed(fields: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", fields.get(name, "")))


def _hold(query: Query, where: str) -> None:
    """Hold a metric's header to what the query reads."""
    read = set(re.findall(r"\bparams\.(\w+)", query.sql))
    if set(query.params) != read:
        raise QueryWrong(
            f"{where}: declares params {sorted(query.params)}, but reads {sorted(read)}"
        )
    if unknown := set(query.by) - set(BREAKDOWNS):
        listed = ", ".join(BREAKDOWNS)
        raise QueryWrong(f"{where}: no breakdown {sorted(unknown)}; there is {listed}")
    asked = facts_of(query.sql)
    if query.facts and asked and set(query.facts) != asked:
        raise QueryWrong(
            f"{where}: declares facts {sorted(query.facts)}, but asks for {sorted(asked)}"
        )


def facts_of(sql: str) -> set[str]:
    """Return the facts that a statement names."""
    return {
        fact
        for one, several in _FACT.findall(sql)
        for fact in ([one] if one else re.findall(r"\w+", several))
    }


def _header(text: str) -> tuple[dict[str, str], dict[str, str]]:
    fields: dict[str, str] = {}
    columns: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if column := _COLUMN.fullmatch(line):
            columns[column[1]] = column[2]
        elif field := _FIELD.fullmatch(line):
            fields[field[1]] = field[2]
    return fields, columns


@cache
def load(folder: str, name: str) -> Query:
    """Return one query of a folder: `views`, `metrics` or `checks`."""
    if name not in FOLDERS[folder]:
        raise QueryWrong(f"{name}: no such query; there are {', '.join(FOLDERS[folder])}")
    text = (files("analytics.sql") / folder / f"{name}.sql").read_text("utf-8")
    return parse(folder, name, text)


def macros() -> str:
    """Return the definitions of the built-ins that DuckDB lacks."""
    return (files("analytics.sql") / "macros.sql").read_text("utf-8")


def needed(sql: str, facts: Collection[str] | None = None, made: Collection[str] = ()) -> list[str]:
    """Return the views that a statement stands on, each after those that it stands on itself.

    If it asks for some facts only, the views that tell none of them are left out. Those that are
    made, and what only they stand on, are left out as well.
    """
    wanted = set(_WORD.findall(_COMMENT.sub("", sql))) & set(VIEWS) - set(made)
    for index in reversed(range(len(VIEWS))):
        if VIEWS[index] in wanted:  # words that name a later view name a column here
            words = _WORD.findall(view(VIEWS[index], facts))
            wanted |= set(words) & set(VIEWS[:index]) - set(made)
    return [name for name in VIEWS if name in wanted]


def view(name: str, facts: Collection[str] | None = None) -> str:
    """Return a view's statement, without what tells none of the facts asked for."""
    sql = load("views", name).sql
    if name != "facts" or facts is None:
        return sql
    rooms = sql.split(_UNION)
    told = _UNION.join([room for room in rooms if _tells(room, facts)] or rooms[:1])
    listed = ", ".join(f"'{fact}'" for fact in sorted(facts)) or "''"
    return f"select * from ({told}) as told where fact in ({listed})"  # noqa: S608 (our own names)


def stays_within(names: Iterable[str]) -> bool:
    """Tell whether metrics stand on no other chats than those of the window's own days.

    How long an agent was busy with a chat depends on the others that he had since it began.
    """
    return "agent_times" not in needed("facts", facts_for(names))


def _tells(select: str, facts: Collection[str]) -> bool:
    room = select.rpartition("from ")[2].strip()
    return not load("views", room).texts.isdisjoint(facts)


def facts_for(names: Iterable[str]) -> frozenset[str]:
    """Return the facts that some metrics ask for."""
    found: set[str] = set()
    for name in names:
        metric = load("metrics", name)
        found |= {*metric.facts, *facts_of(metric.sql)}
    return frozenset(found)
