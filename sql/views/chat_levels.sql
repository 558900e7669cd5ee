-- chat_levels: How many bots and agents had a chat, from instant to instant.
-- grain: one row an uninterrupted stretch of a session in which nobody came or left
-- caveat: what lasts ends now
-- columns:
--   since: from
--   until: up to
--   bots_count: bots that had it
--   agents_count: agents who had it
--   is_pending: an agent had set it aside
with stretches as (
    select
        conversation_id,
        session_no,
        'bot' as kind,
        started_at as since,
        ended_at as until
    from bot_stretches
    union all
    select
        conversation_id,
        session_no,
        'agent' as kind,
        started_at as since,
        ended_at as until
    from assignments
    union all
    select
        conversation_id,
        session_no,
        'pending' as kind,
        started_at as since,
        ended_at as until
    from status_intervals
    where is_pending
),

ended as (
    select
        stretches.conversation_id,
        stretches.session_no,
        stretches.kind,
        stretches.since,
        coalesce(stretches.until, params.now_utc) as until
    from stretches
    cross join params
),

edges as (
    select
        conversation_id,
        session_no,
        kind,
        since as edge_at,
        1 as step
    from ended
    where since < until
    union all
    select
        conversation_id,
        session_no,
        kind,
        until as edge_at,
        -1 as step
    from ended
    where since < until
),

instants as (
    select
        conversation_id,
        session_no,
        edge_at,
        sum(case when kind = 'bot' then step else 0 end) as bots_step,
        sum(case when kind = 'agent' then step else 0 end) as agents_step,
        sum(case when kind = 'pending' then step else 0 end) as pending_step
    from edges
    group by conversation_id, session_no, edge_at
),

levels as (
    select
        conversation_id,
        session_no,
        edge_at as since,
        lead(edge_at) over (
            partition by conversation_id, session_no order by edge_at asc
        ) as until,
        sum(bots_step) over (
            partition by conversation_id, session_no
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as bots_count,
        sum(agents_step) over (
            partition by conversation_id, session_no
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as agents_count,
        sum(pending_step) over (
            partition by conversation_id, session_no
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as pending_count
    from instants
)

select
    conversation_id,
    session_no,
    since,
    until,
    cast(bots_count as bigint) as bots_count,
    cast(agents_count as bigint) as agents_count,
    pending_count > 0 as is_pending
from levels
where until is not null
