-- handle_time_by_concurrency: How long a live chat takes while its agent has so many at once.
-- grain: one row a number of chats that an agent had at once
-- anchor: split: each second counts in the window in which it lies, if it is covered
-- units: seconds; counts
-- by: department
-- params: start_utc, end_utc, now_utc
-- caveat: time spent at that number for each chat done there: few chats done make it unsure
-- follows: occurrence by exposure, the estimate of greatest likelihood of an exit rate by state
-- edge: idle tails are cut at the pause limit; who had a transferred chat before has its time here too
-- columns:
--   slice: what it is broken down by
--   concurrency: chats at once, of whatever department
--   chat_s: seconds that chats spent there: two chats for a second are two
--   closed_count: chats done there
--   handle_time_s: seconds for each chat done; null if none was
with edges as (
    select
        agent_id,
        slice,
        since as edge_at,
        1 as step
    from work_pieces
    union all
    select
        agent_id,
        slice,
        until as edge_at,
        -1 as step
    from work_pieces
),

-- Where a chat goes to another department, its agent's chats stay as many.
moments as (
    select
        agent_id,
        edge_at,
        sum(step) as step
    from edges
    group by agent_id, edge_at
),

own as (
    select
        agent_id,
        slice,
        edge_at,
        sum(step) as step
    from edges
    group by agent_id, slice, edge_at
),

those as (
    select distinct
        agent_id,
        slice
    from edges
),

levels as (
    select
        those.slice,
        those.agent_id,
        moments.edge_at as since,
        lead(moments.edge_at) over (
            partition by those.agent_id, those.slice order by moments.edge_at asc
        ) as until,
        sum(moments.step) over (
            partition by those.agent_id, those.slice
            order by moments.edge_at asc
            rows between unbounded preceding and current row
        ) as chats_count,
        sum(coalesce(own.step, 0)) over (
            partition by those.agent_id, those.slice
            order by moments.edge_at asc
            rows between unbounded preceding and current row
        ) as own_count
    from those
    inner join moments
        on those.agent_id = moments.agent_id
    left join own
        on
            those.agent_id = own.agent_id
            and coalesce(those.slice, '') = coalesce(own.slice, '')
            and moments.edge_at = own.edge_at
),

bounded as (
    select
        levels.slice,
        levels.chats_count,
        levels.own_count,
        greatest(levels.since, coverage.since, params.start_utc) as since,
        least(levels.until, coverage.until, params.end_utc, params.now_utc) as until
    from levels
    cross join params
    inner join coverage
        on coverage.since < levels.until and coverage.until > levels.since
    where
        levels.own_count > 0
        and levels.since < params.end_utc
        and levels.until > params.start_utc
),

exposed as (
    select
        slice,
        chats_count,
        sum(own_count * (unix_micros(until) - unix_micros(since))) / 1e6 as chat_s
    from bounded
    where since < until
    group by slice, chats_count
),

done as (
    select
        work_pieces.slice,
        work_levels.chats_count,
        count(*) as closed_count
    from work_pieces
    cross join params
    inner join work_levels
        on work_pieces.agent_id = work_levels.agent_id and work_pieces.until = work_levels.until
    inner join coverage
        on work_pieces.until >= coverage.since and work_pieces.until <= coverage.until
    where
        work_pieces.is_end
        and work_pieces.until >= params.start_utc
        and work_pieces.until < params.end_utc
    group by work_pieces.slice, work_levels.chats_count
)

select
    exposed.slice,
    cast(exposed.chats_count as bigint) as concurrency,
    cast(exposed.chat_s as double) as chat_s,
    coalesce(done.closed_count, 0) as closed_count,
    cast(exposed.chat_s as double) / nullif(done.closed_count, 0) as handle_time_s
from exposed
left join done
    on
        exposed.chats_count = done.chats_count
        and coalesce(exposed.slice, '') = coalesce(done.slice, '')
order by exposed.chats_count asc nulls last, exposed.slice asc nulls last
