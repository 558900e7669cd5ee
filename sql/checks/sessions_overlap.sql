-- sessions_overlap: A chat was opened again before it was closed.
-- grain: one row a session
select
    conversation_id,
    session_no,
    closed_at,
    next_opened_at,
    'opened again before it was closed' as why
from sessions
where next_opened_at is not null and (closed_at is null or closed_at > next_opened_at)
order by conversation_id asc nulls last, session_no asc nulls last
