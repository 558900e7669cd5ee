-- turns: Visitor and agent taking turns: a turn is a run of messages of one side.
-- grain: one row a turn of a session
-- columns:
--   turn_no: 1, 2, … in the session
--   sender_role: visitor or agent
--   sender_id: who wrote its first message
--   started_at: its first message
--   ended_at: its last message
--   messages_count: how many
with said as (
    select
        conversation_id,
        session_no,
        sent_at,
        sender_role,
        sender_id,
        row_number() over (
            partition by conversation_id, session_no order by sent_at asc, message_id asc
        ) as message_no,
        lag(sender_role) over (
            partition by conversation_id, session_no order by sent_at asc, message_id asc
        ) as before_role
    from messages
    where
        is_counted
        and not is_after_close
        and sender_role in ('visitor', 'agent')
),

numbered as (
    select
        said.*,
        sum(case when before_role = sender_role then 0 else 1 end) over (
            partition by conversation_id, session_no
            order by message_no asc
            rows between unbounded preceding and current row
        ) as turn_no
    from said
)

select
    conversation_id,
    session_no,
    cast(turn_no as bigint) as turn_no,
    sender_role,
    min_by(sender_id, message_no) as sender_id,
    min(sent_at) as started_at,
    max(sent_at) as ended_at,
    count(*) as messages_count
from numbered
group by conversation_id, session_no, turn_no, sender_role
