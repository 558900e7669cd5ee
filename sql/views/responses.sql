-- responses: How long the visitor waited for each of the agents' replies.
-- grain: one row a visitor's turn that an agent's turn follows, in the same session
-- columns:
--   asked_at: the first message of the visitor's turn
--   replied_at: the first message of the agent's turn
--   agent_id: who wrote it
with pairs as (
    select
        conversation_id,
        session_no,
        turn_no,
        sender_role,
        started_at as asked_at,
        lead(started_at) over (
            partition by conversation_id, session_no order by turn_no asc
        ) as replied_at,
        lead(sender_id) over (
            partition by conversation_id, session_no order by turn_no asc
        ) as agent_id
    from turns
)

select
    conversation_id,
    session_no,
    turn_no,
    asked_at,
    replied_at,
    agent_id
from pairs
where sender_role = 'visitor' and replied_at is not null
