-- close_details: When and by whom a chat was closed, from whatever row tells it.
-- grain: one row a chat and closing time
-- caveat: the server tells them after the close: in the message CHAT_CLOSED, or when read again
-- columns:
--   conversation_id: the chat
--   closed_at: when
--   closed_by: user id, `bot_…`, `_trigger`, `_bot_unresponsive` or the visitor; null if untold
select
    request_id as conversation_id,
    closed_at,
    max(closed_by) as closed_by
from events
where
    kind in ('request', 'message')
    and request_id in (select conversation_id from living)
    and closed_at is not null
group by request_id, closed_at
