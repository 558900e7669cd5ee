-- happenings: What happened in chats, to be counted.
-- grain: one row a happening
-- columns:
--   fact: what happened
--   agent_id: who did it, or whom it is credited to; null if nobody
--   detail: which kind
--   happened_at: when
select
    'opened' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    case when session_no = 1 then 'new' else 'reopened' end as detail,
    opened_at as happened_at
from sessions
union all
select
    'closed' as fact,
    conversation_id,
    session_no,
    closed_by as agent_id,
    case when has_details then 'told' else 'untold' end as detail,
    closed_at as happened_at
from sessions
where closed_at is not null
