-- living: The chats that are asked about.
-- grain: one row a chat
-- caveat: all that was read, unless only those of the window's days matter: of them something was
--   heard in these days, or they were open then
-- columns:
--   conversation_id: the server's request_id
select lives.conversation_id
from lives
cross join params
where not params.is_narrow
union all
select distinct lives.conversation_id
from lives
cross join params
inner join days
    on
        lives.first_at < days.end_utc
        and (
            lives.last_at >= days.start_utc
            or lives.closed_at is null
            or lives.open_at >= lives.closed_at
        )
where params.is_narrow
