-- agent_messages: How much each agent wrote.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the message; the first one of a turn
-- units: counts
-- by: department, channel, hour, weekday
-- facts: message, turn, note
-- follows: Amazon Connect agent messages sent
-- caveat: prepared answers cannot be told from written ones
-- edge: what was written after the close counts as a message, not as a turn
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   messages_count: messages to visitors
--   characters_count: characters in them
--   turns_count: runs of messages without a word of the visitor
--   notes_count: private notes, which the visitor does not see
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(case when measured.fact = 'message' then 1 end) as messages_count,
    cast(
        sum(case when measured.fact = 'message' then coalesce(measured.value, 0) else 0 end)
        as bigint
    ) as characters_count,
    count(case when measured.fact = 'turn' then 1 end) as turns_count,
    count(case when measured.fact = 'note' then 1 end) as notes_count,
    cells.coverage_ratio
from cells
inner join measured
    on
        cells.cell = measured.cell
        and measured.fact in ('message', 'turn', 'note')
        and measured.detail = 'agent'
inner join agents
    on measured.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
