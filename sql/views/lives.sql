-- lives: When each chat was heard of, and whether it was open then.
-- grain: one row a chat
-- columns:
--   conversation_id: the server's request_id
--   first_at: the earliest instant that anything received of it tells
--   last_at: the latest
--   closed_at: the last version that shows it closed
--   open_at: the last version that shows it open
select
    request_id as conversation_id,
    min(least(received_at, coalesce(created_at, received_at), coalesce(updated_at, received_at)))
        as first_at,
    max(
        greatest(
            received_at,
            coalesce(created_at, received_at),
            coalesce(updated_at, received_at),
            coalesce(closed_at, received_at)
        )
    ) as last_at,
    max(case when kind = 'request' and status >= 1000 then coalesce(updated_at, received_at) end)
        as closed_at,
    max(case when kind = 'request' and status < 1000 then coalesce(updated_at, received_at) end)
        as open_at
from events
where kind in ('request', 'message') and request_id is not null
group by request_id
