-- chats_closed: How many chats were closed.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts
-- columns:
--   date: the local day
--   sessions_count: closes
--   chats_count: distinct chats
--   untold_count: closes whose closing time and author the server has not told
select
    periods.date,
    count(sessions.conversation_id) as sessions_count,
    count(distinct sessions.conversation_id) as chats_count,
    count(
        case when sessions.conversation_id is not null and not sessions.has_details then 1 end
    ) as untold_count
from periods
left join sessions
    on sessions.closed_at >= periods.start_utc and sessions.closed_at < periods.end_utc
group by periods.date
order by periods.date asc nulls last
