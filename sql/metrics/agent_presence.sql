-- agent_presence: How long each agent was connected.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: split: each second counts in the day in which it lies
-- units: seconds
-- by: hour, weekday
-- follows: Amazon Connect online time
-- caveat: many servers tell presence rarely or never; away for less than a minute is not away
-- edge: what lies in a gap counts nowhere; a night shift counts on both days
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   online_s: connected
--   offline_s: not connected
--   unknown_s: neither is known, though the agent is
--   coverage_ratio: for how much of the time a recorder vouches
with summed as (
    select
        cell,
        agent_id,
        sum(case when kind = 'online' then unix_micros(until) - unix_micros(since) else 0 end)
            as online_us,
        sum(case when kind = 'offline' then unix_micros(until) - unix_micros(since) else 0 end)
            as offline_us,
        sum(
            case
                when kind in ('available', 'unavailable')
                    then unix_micros(until) - unix_micros(since)
                else 0
            end
        ) as known_us
    from split_times
    where kind in ('available', 'unavailable', 'online', 'offline')
    group by cell, agent_id
)

select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    cast(summed.online_us / 1e6 as double) as online_s,
    cast(summed.offline_us / 1e6 as double) as offline_s,
    cast((summed.known_us - summed.online_us - summed.offline_us) / 1e6 as double) as unknown_s,
    cells.coverage_ratio
from cells
inner join summed
    on cells.cell = summed.cell
inner join agents
    on summed.agent_id = agents.agent_id
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
