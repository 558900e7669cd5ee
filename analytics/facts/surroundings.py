"""What kept facts depend on besides the rows of their own chats, and which of them it touches.

Who is an agent, when nobody listened, and how late rows came before a gap is known of the whole
archive; it was kept as it was when chats were derived. It is made where an archive is open.
"""

from __future__ import annotations

from datetime import date

from analytics import queries
from analytics.facts.kept import SURROUNDINGS
from analytics.facts.relations import NOBODY, Relations, union


def survey(relations: Relations) -> None:
    """Make `agents`, `holes` and what they stand on, and `touched`: chats that may be others now.

    Those are current; `is_due` tells those that are to be kept anew, the others are open.
    """
    engine = relations.engine
    relations.tell_days(())
    for name in ("agents", "coverage", "gap_reports"):
        engine.keep(name, queries.view(name))
    _make_lags(relations)
    for name in ("gaps", "holes"):
        engine.keep(name, queries.view(name))
    _make_touched(relations)


def _make_lags(relations: Relations) -> None:
    """Make `gap_lags`: as they are kept, or looked up where something new may have come."""
    days = "'" + "', '".join(str(day) for day in sorted(_new_days(relations))) + "'"
    known = [
        f"select {SURROUNDINGS['gap_lags']} from {name} where"
        f" cast(cast(since as date) as string) not in ({days}) and"
        f" cast(cast(since - interval '1' minute as date) as string) not in ({days})"
        for name in relations.kept("gap_lags", relations.batches[-1:])
    ]
    engine = relations.engine
    engine.keep("known_lags", union(known) or "select '' as recorder where false")
    same = "recorder, since" if known else "recorder"
    asked = engine.table(
        "select distinct cast(since as date) as day, cast(since - interval '1' minute as date) as"
        f" day_before from gap_reports anti join known_lags using ({same})"
    )
    relations.tell_days({day for row in asked.rows for day in row if day is not None})
    new = (
        f"select {SURROUNDINGS['gap_lags']} from ({queries.view('gap_lags')})"
        f" anti join known_lags using ({same})"
    )
    engine.keep("gap_lags", union([new, "select * from known_lags"] if known else [new]))


def _new_days(relations: Relations) -> set[date]:
    """Return the days of which rows are not known yet."""
    found = set(relations.news.new_days)
    for name in relations.others:
        days = relations.engine.table(f"select distinct date from {name}").rows
        found |= {day for (day,) in days}
    return found


def _make_touched(relations: Relations) -> None:
    engine, newest = relations.engine, relations.batches[-1:]
    if not newest:
        engine.keep("touched", f"select *, false as is_due from ({NOBODY})")
        return
    for name in ("holes", "agents"):
        relations.kept(name, newest)
        columns = SURROUNDINGS[name]
        engine.keep(
            f"changed_{name}",
            f"(select {columns} from {name} except select {columns} from kept_{name}) union"
            f" (select {columns} from kept_{name} except select {columns} from {name})",
        )
    for name in ("lives", "sessions", "conversations", "received_messages"):
        relations.kept(name)
    engine.keep("touched", _TOUCHED)


_TOUCHED = """
with due as (
    select kept_lives.conversation_id
    from kept_lives
    inner join changed_holes
        on
            kept_lives.first_at < coalesce(changed_holes.until, timestamp '9999-12-31')
            and kept_lives.last_at > changed_holes.starts_at
    union all
    select conversation_id
    from kept_received_messages
    where sender_id in (select agent_id from changed_agents)
    union all
    select conversation_id
    from kept_sessions
    where closed_by in (select agent_id from changed_agents)
    union all
    select conversation_id
    from kept_conversations
    where
        created_by in (select agent_id from changed_agents)
        or created_by in (select project_user_id from changed_agents)
),

open as (
    select distinct
        conversation_id,
        batch
    from kept_sessions
    where closed_at is null
)

select
    conversation_id,
    batch,
    true as is_due
from current
semi join due using (conversation_id)
union all
select
    conversation_id,
    batch,
    false as is_due
from current
semi join open using (conversation_id, batch)
anti join due using (conversation_id)
"""
