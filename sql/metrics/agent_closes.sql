-- agent_closes: How many chats each agent closed, and how many of those came back.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the close
-- units: counts; ratio 0 to 1
-- by: department, channel, hour, weekday
-- facts: closed
-- follows: Chatwoot resolutions and reopened conversations
-- caveat: who closed is known only if the server told it; a recent day's reopenings still come
-- edge: each session has a close of its own; a reopening counts within 7 days
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   closed_count: chats that the agent closed
--   reopened_count: those opened again within 7 days
--   reopened_ratio: share
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(measured.fact) as closed_count,
    count(case when outcomes.is_reopened then 1 end) as reopened_count,
    avg(case when outcomes.is_reopened then cast(1 as double) else cast(0 as double) end)
        as reopened_ratio,
    cells.coverage_ratio
from cells
inner join measured
    on cells.cell = measured.cell and measured.fact = 'closed'
inner join agents
    on measured.agent_id = agents.agent_id
inner join outcomes
    on
        measured.conversation_id = outcomes.conversation_id
        and measured.session_no = outcomes.session_no
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
