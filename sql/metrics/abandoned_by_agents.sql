-- abandoned_by_agents: How many chats every agent had left, so that they were routed no more.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the version that shows it
-- units: counts
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: agents_left
-- follows: none; Tiledesk's status 150
-- caveat: it says nothing about the visitor; it happens only where chats a head are limited
-- edge: the same chat may be left again; what was so when first seen is no event
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   chats_count: distinct chats
--   events_count: how often it happened to them
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(distinct measured.conversation_id) as chats_count,
    count(measured.fact) as events_count,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'agents_left'
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
