-- cell_levels: How many chats waited in the queue, or were in progress, from instant to instant.
-- grain: one row an uninterrupted stretch of a cell in which the number was the same
-- columns:
--   kind: queue or in_progress
--   cell: key of `cells`
--   since: from
--   until: up to
--   chats_count: how many
with edges as (
    select
        kind,
        cell,
        since as edge_at,
        1 as step
    from split_times
    where kind in ('queue', 'in_progress')
    union all
    select
        kind,
        cell,
        until as edge_at,
        -1 as step
    from split_times
    where kind in ('queue', 'in_progress')
),

instants as (
    select
        kind,
        cell,
        edge_at,
        sum(step) as step
    from edges
    group by kind, cell, edge_at
),

levels as (
    select
        kind,
        cell,
        edge_at as since,
        lead(edge_at) over (partition by kind, cell order by edge_at asc) as until,
        sum(step) over (
            partition by kind, cell
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as chats_count
    from instants
    where step <> 0
)

select
    kind,
    cell,
    since,
    until,
    cast(chats_count as bigint) as chats_count
from levels
where chats_count > 0
