-- work_levels: How many live chats an agent worked on at once, from instant to instant.
-- grain: one row an uninterrupted stretch of an agent with the same number of them
-- columns:
--   since: from
--   until: up to
--   chats_count: live chats at work
with edges as (
    select
        agent_id,
        since as edge_at,
        1 as step
    from work
    union all
    select
        agent_id,
        until as edge_at,
        -1 as step
    from work
),

instants as (
    select
        agent_id,
        edge_at,
        sum(step) as step
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
        ) as chats_count
    from instants
)

select
    agent_id,
    since,
    until,
    cast(chats_count as bigint) as chats_count
from levels
where until is not null and chats_count > 0
