-- assigned_outside_session: An agent had a chat while it was closed, or for less than no time.
-- grain: one row an assignment
select
    assignments.conversation_id,
    assignments.session_no,
    assignments.agent_id,
    assignments.started_at,
    assignments.ended_at,
    case
        when assignments.ended_at < assignments.started_at then 'ended before it began'
        when assignments.started_at < sessions.opened_at then 'began before the chat was opened'
        else 'ended after the chat was closed'
    end as why
from assignments
inner join sessions
    on
        assignments.conversation_id = sessions.conversation_id
        and assignments.session_no = sessions.session_no
where
    assignments.ended_at < assignments.started_at
    or assignments.started_at < sessions.opened_at
    or assignments.ended_at > sessions.closed_at
order by
    assignments.conversation_id asc nulls last,
    assignments.session_no asc nulls last,
    assignments.started_at asc nulls last,
    assignments.agent_id asc nulls last
