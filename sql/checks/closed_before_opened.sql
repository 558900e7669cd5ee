-- closed_before_opened: A session ends before it begins.
-- grain: one row a session
select
    conversation_id,
    session_no,
    opened_at,
    closed_at,
    'closed before it was opened' as why
from sessions
where closed_at < opened_at
order by conversation_id asc nulls last, session_no asc nulls last
