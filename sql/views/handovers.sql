-- handovers: The times that a chat went from one agent, or department, to another, or got a helper.
-- grain: one row a transfer or helper
-- caveat: bot to agent is a hand-off and no transfer
-- columns:
--   kind: agent; department, once a human was needed; helper, who joined others and stayed
--   transferred_at: when
--   from_id: agent or department before; null of a helper
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
),

-- Whoever joins and then takes over is no helper: that is a transfer.
helpers as (
    select distinct
        helper.conversation_id,
        helper.session_no,
        helper.started_at,
        helper.agent_id
    from assignments as helper
    inner join assignments as host
        on
            helper.conversation_id = host.conversation_id
            and helper.session_no = host.session_no
            and helper.agent_id <> host.agent_id
            and helper.started_at > host.started_at
            and (host.ended_at is null or helper.started_at < host.ended_at)
    left join assignments as leaver
        on
            helper.conversation_id = leaver.conversation_id
            and helper.session_no = leaver.session_no
            and helper.agent_id = leaver.to_agent_id
            and helper.started_at = leaver.to_started_at
    where leaver.agent_id is null
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
union all
select
    conversation_id,
    session_no,
    'helper' as kind,
    started_at as transferred_at,
    cast(null as string) as from_id,
    agent_id as to_id
from helpers
