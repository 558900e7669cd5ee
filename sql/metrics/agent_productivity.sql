-- agent_productivity: How many chats each agent answered in an hour of availability.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the assignment's start; hours are split
-- units: counts; hours; chats an hour
-- by: hour, weekday
-- facts: assigned
-- follows: Genesys interactions per hour
-- caveat: not to be compared across departments: chats differ in length
-- edge: only covered hours count, and only chats got in them
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   answered_count: chats got in which the agent wrote something
--   available_h: hours for which the agent was available
--   chats_per_available_h: chats answered for each of them; null without any
--   coverage_ratio: for how much of the time a recorder vouches
with answered as (
    select
        measured.cell,
        measured.agent_id,
        count(*) as answered_count
    from measured
    inner join coverage
        on measured.happened_at >= coverage.since and measured.happened_at < coverage.until
    where measured.fact = 'assigned' and measured.detail = 'answered'
    group by measured.cell, measured.agent_id
),

available as (
    select
        cell,
        agent_id,
        sum(case when kind = 'available' then unix_micros(until) - unix_micros(since) else 0 end)
        / 3.6e9 as available_h
    from split_times
    where kind in ('available', 'unavailable')
    group by cell, agent_id
),

listed as (
    select
        cell,
        agent_id
    from answered
    union
    select
        cell,
        agent_id
    from available
)

select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    coalesce(answered.answered_count, 0) as answered_count,
    cast(coalesce(available.available_h, 0) as double) as available_h,
    coalesce(answered.answered_count, 0) / nullif(cast(available.available_h as double), 0)
        as chats_per_available_h,
    cells.coverage_ratio
from cells
inner join listed
    on cells.cell = listed.cell
inner join agents
    on listed.agent_id = agents.agent_id
left join answered
    on listed.cell = answered.cell and listed.agent_id = answered.agent_id
left join available
    on listed.cell = available.cell and listed.agent_id = available.agent_id
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
