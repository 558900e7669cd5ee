-- assignment_ends: The assignments that are over, and whether the agent ever wrote in them.
-- grain: one row an ended assignment
-- columns:
--   agent_id: who had the chat
--   detail: missed (it went from an agent who had not written), else close, transfer, leave
--   happened_at: the end
--   since: its start
--   until: its end
--   is_since_inferred: the start is that of the version which shows it
--   is_until_inferred: the same of the end
with written as (
    select distinct
        assignments.conversation_id,
        assignments.session_no,
        assignments.agent_id,
        assignments.started_at
    from assignments
    inner join messages
        on
            assignments.conversation_id = messages.conversation_id
            and assignments.session_no = messages.session_no
            and assignments.agent_id = messages.sender_id
            and assignments.started_at <= messages.sent_at
            and assignments.ended_at >= messages.sent_at
    where messages.is_counted
)

select
    'assignment_ended' as fact,
    assignments.conversation_id,
    assignments.session_no,
    assignments.agent_id,
    case
        when assignments.end_reason <> 'close' and written.agent_id is null then 'missed'
        else assignments.end_reason
    end as detail,
    assignments.ended_at as happened_at,
    assignments.started_at as since,
    assignments.ended_at as until,
    assignments.is_start_inferred as is_since_inferred,
    assignments.is_end_inferred as is_until_inferred
from assignments
left join written
    on
        assignments.conversation_id = written.conversation_id
        and assignments.session_no = written.session_no
        and assignments.agent_id = written.agent_id
        and assignments.started_at = written.started_at
where assignments.ended_at is not null
