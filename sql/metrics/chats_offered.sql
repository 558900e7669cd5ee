-- chats_offered: How many chats began, new ones and reopened ones.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: opened_at of the session
-- units: counts
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: opened
-- follows: Zendesk chats; Genesys offered
-- caveat: a chat that was open again when first seen counts when it was seen
-- edge: each reopening counts; a transfer does not; a chat that a gap hides is not seen
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   sessions_count: openings, new and again
--   new_count: chats that began
--   reopened_count: chats that were opened again
--   chats_count: distinct chats
--   contacts_count: distinct visitors
--   bot_only_count: openings that never needed a human
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(measured.fact) as sessions_count,
    count(case when measured.detail = 'new' then 1 end) as new_count,
    count(case when measured.detail = 'reopened' then 1 end) as reopened_count,
    count(distinct measured.conversation_id) as chats_count,
    count(distinct conversations.lead_id) as contacts_count,
    count(case when waits.handling = 'bot_only' then 1 end) as bot_only_count,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'opened'
left join conversations
    on measured.conversation_id = conversations.conversation_id
left join waits
    on
        measured.conversation_id = waits.conversation_id
        and measured.session_no = waits.session_no
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
