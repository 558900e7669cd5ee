-- agent_response: How fast each agent replied: first to a chat got, then to each message.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the agent's message
-- units: seconds
-- by: department, channel, hour, weekday
-- facts: reaction, response_time
-- follows: Rocket.Chat reaction time; Intercom time to reply
-- caveat: live channels only; times with an edge lost in a gap are counted, but in no figure
-- edge: a reply counts for whoever wrote it, whoever had the chat; a reopening begins anew
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   reaction_count: chats got in which the agent wrote
--   reaction_p50_s: from getting the chat to the own first message, median
--   reaction_p90_s: nine in ten were no longer
--   reaction_mean_s: mean
--   reaction_p50_bh_s: median, opening hours only; null if none are given
--   response_count: replies to a visitor's turn
--   response_p50_s: from the first message of the turn to the reply, median
--   response_p90_s: nine in ten were no longer
--   response_mean_s: mean
--   response_p50_bh_s: median, opening hours only; null if none are given
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(case when measured.fact = 'reaction' then 1 end) as reaction_count,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'reaction' then measured.seconds end
    ) as reaction_p50_s,
    percentile_cont(0.9) within group (
        order by case when measured.fact = 'reaction' then measured.seconds end
    ) as reaction_p90_s,
    avg(case when measured.fact = 'reaction' then measured.seconds end) as reaction_mean_s,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'reaction' then measured.open_seconds end
    ) as reaction_p50_bh_s,
    count(case when measured.fact = 'response_time' then 1 end) as response_count,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'response_time' then measured.seconds end
    ) as response_p50_s,
    percentile_cont(0.9) within group (
        order by case when measured.fact = 'response_time' then measured.seconds end
    ) as response_p90_s,
    avg(case when measured.fact = 'response_time' then measured.seconds end) as response_mean_s,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'response_time' then measured.open_seconds end
    ) as response_p50_bh_s,
    cells.coverage_ratio
from cells
inner join measured
    on cells.cell = measured.cell and measured.fact in ('reaction', 'response_time')
inner join agents
    on measured.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
