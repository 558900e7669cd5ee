-- handle_time_by_concurrency: How long a live chat takes while its agent has so many at once.
-- grain: one row a number of chats that an agent had at once
-- anchor: split: each second counts in the window in which it lies, if it is covered
-- units: seconds; counts
-- params: start_utc, end_utc, now_utc
-- caveat: time spent at that number for each chat done there: few chats done make it unsure
-- follows: occurrence by exposure, the estimate of greatest likelihood of an exit rate by state
-- edge: idle tails are cut at the pause limit; who had a transferred chat before has its time here too
-- columns:
--   concurrency: chats at once
--   chat_s: seconds that chats spent there: two chats for a second are two
--   closed_count: chats done there
--   handle_time_s: seconds for each chat done; null if none was
with bounded as (
    select
        work_levels.agent_id,
        work_levels.chats_count,
        greatest(work_levels.since, coverage.since, params.start_utc) as since,
        least(work_levels.until, coverage.until, params.end_utc, params.now_utc) as until
    from work_levels
    cross join params
    inner join coverage
        on coverage.since < work_levels.until and coverage.until > work_levels.since
    where work_levels.since < params.end_utc and work_levels.until > params.start_utc
),

exposed as (
    select
        chats_count,
        sum(chats_count * (unix_micros(until) - unix_micros(since))) / 1e6 as chat_s
    from bounded
    where since < until
    group by chats_count
),

done as (
    select
        work_levels.chats_count,
        count(*) as closed_count
    from work
    cross join params
    inner join work_levels
        on work.agent_id = work_levels.agent_id and work.until = work_levels.until
    inner join coverage
        on work.until >= coverage.since and work.until <= coverage.until
    where
        work.is_end
        and work.until >= params.start_utc
        and work.until < params.end_utc
    group by work_levels.chats_count
)

select
    exposed.chats_count as concurrency,
    cast(exposed.chat_s as double) as chat_s,
    coalesce(done.closed_count, 0) as closed_count,
    cast(exposed.chat_s as double) / nullif(done.closed_count, 0) as handle_time_s
from exposed
left join done
    on exposed.chats_count = done.chats_count
order by exposed.chats_count asc nulls last
