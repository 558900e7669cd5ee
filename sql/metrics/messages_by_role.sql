-- messages_by_role: How much was written, and by whom.
-- grain: one row a local day (and one for the whole window, date null) and role of the sender
-- anchor: the message
-- units: counts
-- caveat: without system messages, info messages and private notes
-- columns:
--   date: the local day
--   sender_role: visitor, agent, bot; unknown where the archive cannot tell
--   messages_count: messages
--   chats_count: distinct chats
select
    periods.date,
    messages.sender_role,
    count(*) as messages_count,
    count(distinct messages.conversation_id) as chats_count
from periods
inner join messages
    on messages.sent_at >= periods.start_utc and messages.sent_at < periods.end_utc
where messages.is_counted
group by periods.date, messages.sender_role
order by
    periods.date asc nulls last,
    messages.sender_role asc nulls last
