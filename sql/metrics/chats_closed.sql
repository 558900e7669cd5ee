-- chats_closed: How many chats were closed.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Intercom closed conversations: each close counts
-- caveat: by agent, it is the agent who closed it; `(none)` are those closed by others
-- edge: closed again after a reopening counts again; an untold close counts when it was seen
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   sessions_count: closes
--   chats_count: distinct chats
--   untold_count: closes whose closing time and author the server has not told
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(measured.fact) as sessions_count,
    count(distinct measured.conversation_id) as chats_count,
    count(case when measured.detail = 'untold' then 1 end) as untold_count,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'closed'
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
