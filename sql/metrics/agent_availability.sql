-- agent_availability: How long each agent was available.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: split: each second counts in the day in which it lies
-- units: seconds
-- by: hour, weekday
-- follows: Zendesk online time; Amazon Connect non-productive time
-- caveat: only covered time counts
-- edge: what lies in a gap counts nowhere; a night shift counts on both days
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   available_s: the switch was on
--   unavailable_s: it was off, or the agent was not active in the project
--   busy_status_s: the part of that in which the profile said why
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    cast(
        sum(
            case
                when split_times.kind = 'available'
                    then unix_micros(split_times.until) - unix_micros(split_times.since)
                else 0
            end
        ) / 1e6 as double
    ) as available_s,
    cast(
        sum(
            case
                when split_times.kind = 'unavailable'
                    then unix_micros(split_times.until) - unix_micros(split_times.since)
                else 0
            end
        ) / 1e6 as double
    ) as unavailable_s,
    cast(
        sum(
            case
                when split_times.kind = 'busy_status'
                    then unix_micros(split_times.until) - unix_micros(split_times.since)
                else 0
            end
        ) / 1e6 as double
    ) as busy_status_s,
    cells.coverage_ratio
from cells
inner join split_times
    on
        cells.cell = split_times.cell
        and split_times.kind in ('available', 'unavailable', 'busy_status')
inner join agents
    on split_times.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
