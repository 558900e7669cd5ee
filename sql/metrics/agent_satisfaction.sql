-- agent_satisfaction: How visitors rated the chats of each agent.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the rating
-- units: 1 to 5; ratio 0 to 1
-- by: department, channel, hour, weekday
-- facts: rated
-- follows: Intercom teammate CSAT
-- caveat: a rating may come days later, so the number of a recent day still moves
-- edge: it counts for who wrote the last agent's message of the session; the last rating wins
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   rated_count: chats rated
--   mean_rating: mean
--   good_ratio: share of 4 and 5
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(measured.value) as rated_count,
    avg(measured.value) as mean_rating,
    avg(
        case
            when measured.value >= 4 then cast(1 as double)
            when measured.value < 4 then cast(0 as double)
        end
    ) as good_ratio,
    cells.coverage_ratio
from cells
inner join measured
    on cells.cell = measured.cell and measured.fact = 'rated'
inner join agents
    on measured.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
