-- agent_load: How busy each agent was: with chats, idle, at the limit, and how many at once.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: split: each second counts in the day in which it lies
-- units: seconds; ratios 0 to 1; chats
-- by: hour, weekday
-- follows: Amazon Connect occupancy and active slots; Zendesk concurrency
-- caveat: occupancy does not see how many chats an agent had at once: read it with concurrency
-- edge: a chat set aside is none; of several agents in a chat each has it; gaps count nowhere
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   available_s: the switch was on
--   engaged_s: had a chat, or several
--   engaged_unavailable_s: the part of that in which the switch was off
--   idle_s: available, without a chat
--   occupancy_ratio: share of the available time with a chat
--   slot_use_ratio: chats had, of those that the limit allowed, while available; null without limit
--   concurrency_mean: chats at once, while there was one
--   concurrency_max: the most
--   concurrency_p90: for nine tenths of the time with chats there were no more
--   at_limit_s: available, with as many chats as the limit allows; null without limit
--   coverage_ratio: for how much of the time a recorder vouches
with numbered as (
    select
        agent_levels.*,
        floor(unix_micros(since) / 8.64e10) as first_day,
        floor(unix_micros(until) / 8.64e10) as last_day
    from agent_levels
),

-- Most levels end on the day on which they begin, and find their rows by its number.
met as (
    select
        numbered.*,
        covered_days.date,
        covered_days.bucket,
        covered_days.since as covered_since,
        covered_days.until as covered_until
    from numbered
    inner join covered_days
        on numbered.first_day = covered_days.day_no
    where numbered.first_day = numbered.last_day
    union all
    select
        numbered.*,
        covered_periods.date,
        covered_periods.bucket,
        covered_periods.since as covered_since,
        covered_periods.until as covered_until
    from numbered
    inner join covered_periods
        on numbered.since < covered_periods.until and numbered.until > covered_periods.since
    where numbered.first_day < numbered.last_day
),

pieces as (
    select
        coalesce(cast(date as string), '') || '|' || coalesce(bucket, '') as cell,
        agent_id,
        chats_count,
        chat_limit,
        coalesce(is_available, false) as is_available,
        coalesce(not is_available, false) as is_unavailable,
        unix_micros(least(until, covered_until)) - unix_micros(greatest(since, covered_since))
            as length_us
    from met
    where since < covered_until and until > covered_since
),

summed as (
    select
        cell,
        agent_id,
        sum(case when is_available then length_us else 0 end) / 1e6 as available_s,
        sum(case when chats_count > 0 then length_us else 0 end) / 1e6 as engaged_s,
        sum(case when chats_count > 0 and is_unavailable then length_us else 0 end) / 1e6
            as engaged_unavailable_s,
        sum(case when is_available and chats_count = 0 then length_us else 0 end) / 1e6
            as idle_s,
        sum(case when is_available and chats_count > 0 then length_us else 0 end) / 1e6
            as occupied_s,
        sum(case when is_available and chat_limit is not null then length_us * chats_count end)
        / 1e6 as slots_used_s,
        sum(case when is_available then length_us * chat_limit end) / 1e6 as slots_s,
        sum(length_us * chats_count) / 1e6 as chats_s,
        sum(
            case
                when is_available and chats_count >= chat_limit then length_us
                when chat_limit is not null then 0
            end
        ) / 1e6 as at_limit_s
    from pieces
    group by cell, agent_id
),

-- For how long each number of chats, or less, was had at once.
spent as (
    select
        cell,
        agent_id,
        chats_count,
        sum(sum(length_us)) over (
            partition by cell, agent_id
            order by chats_count asc
            rows between unbounded preceding and current row
        ) as upto_us,
        sum(sum(length_us)) over (partition by cell, agent_id) as all_us
    from pieces
    where chats_count > 0
    group by cell, agent_id, chats_count
),

peaks as (
    select
        cell,
        agent_id,
        max(chats_count) as concurrency_max,
        min(case when upto_us * 10 >= all_us * 9 then chats_count end) as concurrency_p90
    from spent
    group by cell, agent_id
)

select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    cast(summed.available_s as double) as available_s,
    cast(summed.engaged_s as double) as engaged_s,
    cast(summed.engaged_unavailable_s as double) as engaged_unavailable_s,
    cast(summed.idle_s as double) as idle_s,
    summed.occupied_s / nullif(cast(summed.available_s as double), 0) as occupancy_ratio,
    summed.slots_used_s / nullif(cast(summed.slots_s as double), 0) as slot_use_ratio,
    summed.chats_s / nullif(cast(summed.engaged_s as double), 0) as concurrency_mean,
    peaks.concurrency_max,
    peaks.concurrency_p90,
    cast(summed.at_limit_s as double) as at_limit_s,
    cells.coverage_ratio
from cells
inner join summed
    on cells.cell = summed.cell
inner join agents
    on summed.agent_id = agents.agent_id
left join peaks
    on summed.cell = peaks.cell and summed.agent_id = peaks.agent_id
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
