-- agent_levels: How many chats an agent had at once, and might have, from instant to instant.
-- grain: one row an uninterrupted stretch of an agent in which nothing of it changed
-- caveat: chats set aside do not count; what lasts ends now
-- columns:
--   since: from
--   until: up to
--   chats_count: chats that the agent had
--   is_available: the switch was on; null if nothing tells it yet
--   chat_limit: chats that the agent might have: the own limit, else the project's; null if none
with states as (
    select
        agent_status.agent_id,
        agent_status.started_at,
        agent_status.is_available,
        agent_status.chat_limit,
        coalesce(agent_status.ended_at, params.now_utc) as ended_at,
        row_number() over (
            partition by agent_status.agent_id order by agent_status.started_at asc
        ) as state_no
    from agent_status
    cross join params
    where agent_status.started_at < coalesce(agent_status.ended_at, params.now_utc)
),

ended as (
    select
        engagements.agent_id,
        engagements.since,
        coalesce(engagements.until, params.now_utc) as until
    from engagements
    cross join params
),

edges as (
    select
        agent_id,
        since as edge_at,
        1 as step,
        cast(null as bigint) as state_no
    from ended
    where since < until
    union all
    select
        agent_id,
        until as edge_at,
        -1 as step,
        cast(null as bigint) as state_no
    from ended
    where since < until
    union all
    select
        agent_id,
        started_at as edge_at,
        0 as step,
        state_no
    from states
    union all
    select
        agent_id,
        ended_at as edge_at,
        0 as step,
        cast(null as bigint) as state_no
    from states
),

instants as (
    select
        agent_id,
        edge_at,
        sum(step) as step,
        max(state_no) as state_no
    from edges
    group by agent_id, edge_at
),

levels as (
    select
        agent_id,
        edge_at as since,
        lead(edge_at) over (partition by agent_id order by edge_at asc) as until,
        sum(step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as chats_count,
        max(state_no) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as state_no
    from instants
)

select
    levels.agent_id,
    levels.since,
    levels.until,
    cast(levels.chats_count as bigint) as chats_count,
    states.is_available,
    coalesce(states.chat_limit, params.chat_limit) as chat_limit
from levels
cross join params
left join states
    on levels.agent_id = states.agent_id and levels.state_no = states.state_no
where levels.until is not null
