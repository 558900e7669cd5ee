-- living: The chats that are asked about.
-- grain: one row a chat
-- caveat: all that was read, unless only those of the window's days matter: of them something was
--   heard in these days, or they were open then
-- columns:
--   conversation_id: the server's request_id
with heard as (
    select
        request_id as conversation_id,
        min(
            least(
                received_at, coalesce(created_at, received_at), coalesce(updated_at, received_at)
            )
        ) as first_at,
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
)

select events.request_id as conversation_id
from events
cross join params
where
    not params.is_narrow
    and events.kind in ('request', 'message')
    and events.request_id is not null
union
select heard.conversation_id
from heard
cross join params
inner join days
    on
        heard.first_at < days.end_utc
        and (
            heard.last_at >= days.start_utc
            or heard.closed_at is null
            or heard.open_at >= heard.closed_at
        )
where params.is_narrow
