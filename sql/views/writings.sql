-- writings: What was written in chats, to be counted.
-- grain: one row a message, note or turn
-- columns:
--   fact: message; note (an agent's own, which the visitor does not see); turn, a run of messages
--   agent_id: the agent who wrote it; null if no agent did
--   detail: the role of who wrote it
--   happened_at: when, of a turn its first message
--   value: characters; null of a turn
select
    case when is_counted then 'message' else 'note' end as fact,
    conversation_id,
    session_no,
    case when sender_role = 'agent' then sender_id end as agent_id,
    sender_role as detail,
    sent_at as happened_at,
    cast(text_length as double) as value
from messages
where is_counted or sender_role = 'agent'
union all
select
    'turn' as fact,
    conversation_id,
    session_no,
    case when sender_role = 'agent' then sender_id end as agent_id,
    sender_role as detail,
    started_at as happened_at,
    cast(null as double) as value
from turns
