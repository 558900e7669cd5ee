-- chats_offered: How many chats began, new ones and reopened ones.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: opened_at of the session
-- units: counts
-- caveat: a chat that was open again when first seen counts when it was seen
-- columns:
--   date: the local day
--   sessions_count: openings, new and again
--   new_count: chats that began
--   reopened_count: chats that were opened again
--   chats_count: distinct chats
--   contacts_count: distinct visitors
--   bot_only_count: openings that never needed a human
select
    periods.date,
    count(sessions.conversation_id) as sessions_count,
    count(case when sessions.session_no = 1 then 1 end) as new_count,
    count(case when sessions.session_no > 1 then 1 end) as reopened_count,
    count(distinct sessions.conversation_id) as chats_count,
    count(distinct conversations.lead_id) as contacts_count,
    count(case when waits.handling = 'bot_only' then 1 end) as bot_only_count
from periods
left join sessions
    on sessions.opened_at >= periods.start_utc and sessions.opened_at < periods.end_utc
left join conversations
    on sessions.conversation_id = conversations.conversation_id
left join waits
    on
        sessions.conversation_id = waits.conversation_id
        and sessions.session_no = waits.session_no
group by periods.date
order by periods.date asc nulls last
