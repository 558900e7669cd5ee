-- agent_levels: How many chats an agent had at once, and might have, from instant to instant.
-- grain: one row an uninterrupted stretch of an agent in which nothing of it changed
-- caveat: chats set aside do not count; what lasts ends now
-- columns:
--   since: from
--   until: up to
--   chats_count: chats that the agent had
--   is_available: the switch was on; null if nothing tells it yet
--   chat_limit: chats that the agent might have: the own limit, else the project's; null if none
with stretches as (
    select
        agent_id,
        since,
        until,
        1 as chats_step,
        0 as known_step,
        0 as available_step,
        0 as limited_step,
        0 as limit_step
    from engagements
    union all
    select
        agent_id,
        started_at as since,
        ended_at as until,
        0 as chats_step,
        1 as known_step,
        case when is_available then 1 else 0 end as available_step,
        case when chat_limit is null then 0 else 1 end as limited_step,
        coalesce(chat_limit, 0) as limit_step
    from agent_status
),

ended as (
    select
        stretches.agent_id,
        stretches.since,
        coalesce(stretches.until, params.now_utc) as until,
        stretches.chats_step,
        stretches.known_step,
        stretches.available_step,
        stretches.limited_step,
        stretches.limit_step
    from stretches
    cross join params
),

edges as (
    select
        agent_id,
        since as edge_at,
        chats_step,
        known_step,
        available_step,
        limited_step,
        limit_step
    from ended
    where since < until
    union all
    select
        agent_id,
        until as edge_at,
        -chats_step as chats_step,
        -known_step as known_step,
        -available_step as available_step,
        -limited_step as limited_step,
        -limit_step as limit_step
    from ended
    where since < until
),

instants as (
    select
        agent_id,
        edge_at,
        sum(chats_step) as chats_step,
        sum(known_step) as known_step,
        sum(available_step) as available_step,
        sum(limited_step) as limited_step,
        sum(limit_step) as limit_step
    from edges
    group by agent_id, edge_at
),

levels as (
    select
        agent_id,
        edge_at as since,
        lead(edge_at) over (partition by agent_id order by edge_at asc) as until,
        sum(chats_step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as chats_count,
        sum(known_step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as known_count,
        sum(available_step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as available_count,
        sum(limited_step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as limited_count,
        sum(limit_step) over (
            partition by agent_id
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as own_limit
    from instants
)

select
    levels.agent_id,
    levels.since,
    levels.until,
    cast(levels.chats_count as bigint) as chats_count,
    case when levels.known_count > 0 then levels.available_count > 0 end as is_available,
    case
        when levels.limited_count > 0 then cast(levels.own_limit as bigint)
        else params.chat_limit
    end as chat_limit
from levels
cross join params
where levels.until is not null
