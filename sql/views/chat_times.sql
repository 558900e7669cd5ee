-- chat_times: How long things took in a chat: one view for all, so that they are measured alike.
-- grain: one row a fact of a session
-- columns:
--   fact: what was timed
--   agent_id: whom it is credited to; null if nobody
--   happened_at: the instant that puts it into a window
--   since: from
--   until: to; null while it lasts
--   is_since_inferred: `since` is that of the first version which shows it, not the server's own
--   is_until_inferred: the same of `until`
select
    'first_response_human' as fact,
    conversation_id,
    session_no,
    answered_by as agent_id,
    answered_at as happened_at,
    requested_at as since,
    answered_at as until,
    is_request_inferred as is_since_inferred,
    false as is_until_inferred
from waits
where is_waiting and answered_at is not null
union all
select
    'first_response_customer' as fact,
    conversation_id,
    session_no,
    answered_by as agent_id,
    answered_at as happened_at,
    visitor_at as since,
    answered_at as until,
    false as is_since_inferred,
    false as is_until_inferred
from waits
where is_waiting and answered_at >= visitor_at
