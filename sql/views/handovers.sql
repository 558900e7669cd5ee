-- handovers: The times that a chat went from one agent, or department, to another.
-- grain: one row a transfer
-- caveat: bot to agent is a hand-off and no transfer; a helper who joins is none either
-- columns:
--   kind: agent or department
--   transferred_at: when
--   from_id: agent or department before
--   to_id: agent or department after
with moves as (
    select
        conversation_id,
        session_no,
        department_id as to_id,
        started_at,
        lag(department_id) over (
            partition by conversation_id, session_no order by started_at asc
        ) as from_id
    from department_stretches
)

select
    conversation_id,
    session_no,
    'agent' as kind,
    ended_at as transferred_at,
    agent_id as from_id,
    to_agent_id as to_id
from assignments
where end_reason = 'transfer'
union all
select
    moves.conversation_id,
    moves.session_no,
    'department' as kind,
    moves.started_at as transferred_at,
    moves.from_id,
    moves.to_id
from moves
inner join waits
    on
        moves.conversation_id = waits.conversation_id
        and moves.session_no = waits.session_no
where moves.from_id is not null and moves.started_at > waits.requested_at
