-- messages_by_role: How much was written, and by whom.
-- grain: one row a local day (and one for the whole window, date null) and role of the sender
-- anchor: the message; of a turn, its first message
-- units: counts
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: message, turn
-- follows: Amazon Connect contact messages
-- caveat: without system messages, info messages and private notes; turns are of two sides only
-- edge: what was written after the close is in it, but of no turn; a copy counts once
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   sender_role: visitor, agent, bot; unknown where the archive cannot tell
--   messages_count: messages
--   chats_count: distinct chats
--   turns_count: runs of messages of the same side, visitor or agent
--   chars_count: characters
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    measured.detail as sender_role,
    count(case when measured.fact = 'message' then 1 end) as messages_count,
    count(distinct case when measured.fact = 'message' then measured.conversation_id end)
        as chats_count,
    count(case when measured.fact = 'turn' then 1 end) as turns_count,
    cast(coalesce(sum(measured.value), 0) as bigint) as chars_count,
    cells.coverage_ratio
from cells
inner join measured
    on cells.cell = measured.cell and measured.fact in ('message', 'turn')
group by cells.date, cells.slice, measured.detail, cells.coverage_ratio
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    measured.detail asc nulls last
