-- load_by_interval: What came in, how it was served, and who was there, in each interval.
-- grain: one row an interval of the local clock; those of an hour that the clock repeats come twice
-- anchor: requested_at of live chats that needed a human; agents by the second
-- units: counts; seconds; means over the covered time
-- by: department
-- params: answer_target_s, breakdown, chat_limit, now_utc
-- caveat: by department an agent counts by the share of his work in it; busy_mean is null there
-- edge: what lies in a gap is in no column; who had no chat of the window is in no department
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   weekday: 1 Monday to 7
--   minute: minutes after local midnight by the clock
--   since: the interval's first instant, UTC
--   requested_count: live chats that came to need a human
--   answered_count: those answered since
--   in_time_count: those answered within the target
--   accepted_in_time_count: those that an agent had within the target, answered or not
--   abandoned_count: those closed without an answer
--   wait_mean_s: mean wait until somebody had the chat, or it was closed
--   agents_mean: agents available
--   slots_mean: chats that they might have had; null if no limit is known
--   busy_mean: agents with at least one live chat at work
--   chats_mean: live chats at work
--   coverage_ratio: for how much of the interval a recorder vouches
-- Each wait beside the last interval that began before it: no comparison of all with all.
with moments as (
    select
        since as moment_at,
        0 as rank,
        since as interval_at,
        cast(null as string) as conversation_id,
        cast(null as bigint) as session_no
    from intervals
    union all
    select
        requested_at as moment_at,
        1 as rank,
        cast(null as timestamp) as interval_at,
        conversation_id,
        session_no
    from waits
    where is_waiting
),

placed as (
    select
        conversation_id,
        session_no,
        max(interval_at) over (
            order by moment_at asc, rank asc
            rows between unbounded preceding and current row
        ) as interval_at
    from moments
),

asked as (
    select
        intervals.since as interval_at,
        slices.slice,
        waits.requested_at,
        waits.answered_at,
        waits.closed_at,
        waits.accepted_at,
        coalesce(waits.accepted_at, waits.closed_at) as waited_until,
        params.answer_target_s
    from waits
    cross join params
    inner join placed
        on
            waits.conversation_id = placed.conversation_id
            and waits.session_no = placed.session_no
    inner join intervals
        on placed.interval_at = intervals.since and waits.requested_at < intervals.until
    left join slice_stretches
        on
            waits.conversation_id = slice_stretches.conversation_id
            and waits.session_no = slice_stretches.session_no
            and (slice_stretches.since is null or waits.requested_at >= slice_stretches.since)
            and (slice_stretches.until is null or waits.requested_at < slice_stretches.until)
    inner join slices
        on coalesce(slices.slice, '') = coalesce(slice_stretches.slice, '')
),

counted as (
    select
        interval_at,
        slice,
        count(*) as requested_count,
        count(answered_at) as answered_count,
        count(
            case
                when
                    (unix_micros(answered_at) - unix_micros(requested_at)) / 1e6 <= answer_target_s
                    then 1
            end
        ) as in_time_count,
        count(
            case
                when
                    (unix_micros(accepted_at) - unix_micros(requested_at)) / 1e6 <= answer_target_s
                    then 1
            end
        ) as accepted_in_time_count,
        count(case when answered_at is null and closed_at is not null then 1 end)
            as abandoned_count,
        avg(
            cast((unix_micros(waited_until) - unix_micros(requested_at)) / 1e6 as double)
        ) as wait_mean_s
    from asked
    group by interval_at, slice
),

-- Whom a department has, nothing tells; whose chats an agent worked on, everything does.
worked as (
    select
        agent_id,
        slice,
        cast(sum(unix_micros(until) - unix_micros(since)) as double) as worked_us
    from work_pieces
    group by agent_id, slice
),

shares as (
    select
        agent_id,
        slice,
        worked_us / nullif(sum(worked_us) over (partition by agent_id), 0) as share
    from worked
    where slice is not null
    union all
    select distinct
        agent_id,
        cast(null as string) as slice,
        cast(1 as double) as share
    from agent_status
    cross join params
    where params.breakdown is null
),

-- A sweep over everything that changes, so that it takes no longer for each of more intervals.
stretches as (
    select
        shares.slice,
        agent_status.started_at as since,
        coalesce(agent_status.ended_at, params.now_utc) as until,
        'available' as kind,
        shares.share as amount,
        shares.share * coalesce(agent_status.chat_limit, params.chat_limit) as slots
    from agent_status
    cross join params
    inner join shares
        on agent_status.agent_id = shares.agent_id
    where agent_status.is_available
    union all
    select
        cast(null as string) as slice,
        since,
        until,
        'busy' as kind,
        cast(1 as double) as amount,
        cast(null as double) as slots
    from work_levels
    union all
    select
        slice,
        since,
        until,
        'chat' as kind,
        cast(1 as double) as amount,
        cast(null as double) as slots
    from work_pieces
    union all
    select
        slices.slice,
        coverage.since,
        least(coverage.until, params.now_utc) as until,
        'covered' as kind,
        cast(1 as double) as amount,
        cast(null as double) as slots
    from coverage
    cross join params
    cross join slices
    union all
    select
        slices.slice,
        intervals.since,
        intervals.until,
        'interval' as kind,
        cast(1 as double) as amount,
        cast(null as double) as slots
    from intervals
    cross join slices
),

edges as (
    select
        slice,
        since as edge_at,
        kind,
        1 as step,
        amount,
        slots,
        case when kind = 'interval' then since end as interval_at
    from stretches
    where since < until
    union all
    select
        slice,
        until as edge_at,
        kind,
        -1 as step,
        -amount as amount,
        -slots as slots,
        cast(null as timestamp) as interval_at
    from stretches
    where since < until
),

instants as (
    select
        slice,
        edge_at,
        sum(case when kind = 'interval' then step else 0 end) as interval_step,
        sum(case when kind = 'covered' then step else 0 end) as covered_step,
        sum(case when kind = 'available' then amount else 0 end) as agents_step,
        sum(case when kind = 'available' and slots is null then step else 0 end)
            as unlimited_step,
        sum(case when kind = 'available' then coalesce(slots, 0) else 0 end) as slots_step,
        sum(case when kind = 'busy' then step else 0 end) as busy_step,
        sum(case when kind = 'chat' then step else 0 end) as chats_step,
        max(interval_at) as interval_at
    from edges
    group by slice, edge_at
),

levels as (
    select
        slice,
        unix_micros(lead(edge_at) over (partition by slice order by edge_at asc))
        - unix_micros(edge_at) as length_us,
        sum(interval_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as intervals_count,
        sum(covered_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as covered_count,
        sum(agents_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as agents_count,
        sum(unlimited_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as unlimited_count,
        sum(slots_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as slots_count,
        sum(busy_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as busy_count,
        sum(chats_step) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as chats_count,
        max(interval_at) over (
            partition by slice
            order by edge_at asc
            rows between unbounded preceding and current row
        ) as interval_at
    from instants
),

present as (
    select
        interval_at,
        slice,
        sum(agents_count * length_us) as available_us,
        sum(slots_count * length_us) as slots_us,
        max(unlimited_count) as unlimited_count,
        sum(busy_count * length_us) as busy_us,
        sum(chats_count * length_us) as chats_us
    from levels
    where intervals_count > 0 and covered_count > 0
    group by interval_at, slice
)

select
    intervals.date,
    slices.slice,
    intervals.weekday,
    intervals.minute,
    intervals.since,
    coalesce(counted.requested_count, 0) as requested_count,
    coalesce(counted.answered_count, 0) as answered_count,
    coalesce(counted.in_time_count, 0) as in_time_count,
    coalesce(counted.accepted_in_time_count, 0) as accepted_in_time_count,
    coalesce(counted.abandoned_count, 0) as abandoned_count,
    counted.wait_mean_s,
    -- Shares that come and go leave the last digits of a double behind.
    round(coalesce(present.available_us, 0) / 1e6 / nullif(intervals.covered_s, 0), 9)
        as agents_mean,
    case
        when coalesce(present.unlimited_count, 0) = 0
            then round(coalesce(present.slots_us, 0) / 1e6 / nullif(intervals.covered_s, 0), 9)
    end as slots_mean,
    case
        when slices.slice is null
            then
                cast(coalesce(present.busy_us, 0) / 1e6 as double) / nullif(intervals.covered_s, 0)
    end as busy_mean,
    cast(coalesce(present.chats_us, 0) / 1e6 as double) / nullif(intervals.covered_s, 0)
        as chats_mean,
    intervals.coverage_ratio
from intervals
cross join slices
left join counted
    on
        intervals.since = counted.interval_at
        and coalesce(slices.slice, '') = coalesce(counted.slice, '')
left join present
    on
        intervals.since = present.interval_at
        and coalesce(slices.slice, '') = coalesce(present.slice, '')
order by intervals.since asc nulls last, slices.slice asc nulls last
