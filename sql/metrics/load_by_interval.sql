-- load_by_interval: What came in, how it was served, and who was there, in each interval.
-- grain: one row an interval of the local clock; those of an hour that the clock repeats come twice
-- anchor: requested_at of live chats that needed a human; agents by the second
-- units: counts; seconds; means over the covered time
-- by: department
-- params: answer_target_s, now_utc
-- caveat: what lies in a gap is in no column; agents are those of all departments, so null by one
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
with asked as (
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
    inner join intervals
        on waits.requested_at >= intervals.since and waits.requested_at < intervals.until
    left join slice_stretches
        on
            waits.conversation_id = slice_stretches.conversation_id
            and waits.session_no = slice_stretches.session_no
            and (slice_stretches.since is null or waits.requested_at >= slice_stretches.since)
            and (slice_stretches.until is null or waits.requested_at < slice_stretches.until)
    inner join slices
        on coalesce(slices.slice, '') = coalesce(slice_stretches.slice, '')
    where waits.is_waiting
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

covered as (
    select
        intervals.since as interval_at,
        greatest(intervals.since, coverage.since) as since,
        least(intervals.until, coverage.until, params.now_utc) as until
    from intervals
    cross join params
    inner join coverage
        on coverage.since < intervals.until and coverage.until > intervals.since
),

present as (
    select
        covered.interval_at,
        sum(
            case
                when agent_levels.is_available
                    then
                        unix_micros(least(agent_levels.until, covered.until))
                        - unix_micros(greatest(agent_levels.since, covered.since))
                else 0
            end
        ) as available_us,
        sum(
            case
                when agent_levels.is_available
                    then
                        agent_levels.chat_limit
                        * (
                            unix_micros(least(agent_levels.until, covered.until))
                            - unix_micros(greatest(agent_levels.since, covered.since))
                        )
            end
        ) as slots_us,
        max(
            case when agent_levels.is_available and agent_levels.chat_limit is null then 1 else 0 end
        ) as unlimited_count
    from covered
    inner join agent_levels
        on agent_levels.since < covered.until and agent_levels.until > covered.since
    group by covered.interval_at
),

worked as (
    select
        covered.interval_at,
        sum(
            unix_micros(least(work_levels.until, covered.until))
            - unix_micros(greatest(work_levels.since, covered.since))
        ) as busy_us,
        sum(
            work_levels.chats_count
            * (
                unix_micros(least(work_levels.until, covered.until))
                - unix_micros(greatest(work_levels.since, covered.since))
            )
        ) as chats_us
    from covered
    inner join work_levels
        on work_levels.since < covered.until and work_levels.until > covered.since
    group by covered.interval_at
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
    case
        when slices.slice is null
            then
                cast(coalesce(present.available_us, 0) / 1e6 as double)
                / nullif(intervals.covered_s, 0)
    end as agents_mean,
    case
        when slices.slice is null and coalesce(present.unlimited_count, 0) = 0
            then
                cast(coalesce(present.slots_us, 0) / 1e6 as double)
                / nullif(intervals.covered_s, 0)
    end as slots_mean,
    case
        when slices.slice is null
            then
                cast(coalesce(worked.busy_us, 0) / 1e6 as double) / nullif(intervals.covered_s, 0)
    end as busy_mean,
    case
        when slices.slice is null
            then
                cast(coalesce(worked.chats_us, 0) / 1e6 as double) / nullif(intervals.covered_s, 0)
    end as chats_mean,
    intervals.coverage_ratio
from intervals
cross join slices
left join counted
    on
        intervals.since = counted.interval_at
        and coalesce(slices.slice, '') = coalesce(counted.slice, '')
left join present
    on intervals.since = present.interval_at
left join worked
    on intervals.since = worked.interval_at
order by intervals.since asc nulls last, slices.slice asc nulls last
