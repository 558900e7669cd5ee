-- transfers: How often chats went from one agent, or department, to another.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the transfer
-- units: counts; ratio 0 to 1
-- caveat: a bot's hand-off is no transfer; a helper who joins is none either
-- columns:
--   date: the local day
--   agent_count: from agent to agent
--   department_count: from department to department
--   sessions_count: openings in which a human took part, by opened_at
--   transferred_ratio: share of those in which an agent was ever replaced by another
with moved as (
    select
        periods.date,
        count(case when handovers.kind = 'agent' then 1 end) as agent_count,
        count(case when handovers.kind = 'department' then 1 end) as department_count
    from periods
    left join handovers
        on
            handovers.transferred_at >= periods.start_utc
            and handovers.transferred_at < periods.end_utc
    group by periods.date
),

seated as (
    select
        sessions.conversation_id,
        sessions.session_no,
        sessions.opened_at,
        max(case when assignments.end_reason = 'transfer' then 1 else 0 end) as is_transferred
    from sessions
    inner join assignments
        on
            sessions.conversation_id = assignments.conversation_id
            and sessions.session_no = assignments.session_no
    group by sessions.conversation_id, sessions.session_no, sessions.opened_at
),

shares as (
    select
        periods.date,
        count(seated.conversation_id) as sessions_count,
        avg(cast(seated.is_transferred as double)) as transferred_ratio
    from periods
    left join seated
        on seated.opened_at >= periods.start_utc and seated.opened_at < periods.end_utc
    group by periods.date
)

select
    moved.date,
    moved.agent_count,
    moved.department_count,
    shares.sessions_count,
    shares.transferred_ratio
from moved
inner join shares
    on
        moved.date = shares.date
        or (moved.date is null and shares.date is null)
order by moved.date asc nulls last
