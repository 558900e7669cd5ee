-- session_versions: The states of a chat that belong to a session, up to and with its close.
-- grain: one row a version of a session
-- columns:
--   state_no: 1 for the first version of the session
--   state_at: the version's time, not after the close
--   previous_at: the version before it, or the opening
--   next_at: the version after it, null for the last
with placed as (
    select
        sessions.conversation_id,
        sessions.session_no,
        sessions.opened_at,
        sessions.closed_at,
        request_versions.version_at,
        request_versions.version_no,
        request_versions.status,
        request_versions.is_closed,
        request_versions.assigned_at,
        request_versions.agents,
        request_versions.bots,
        request_versions.department_id,
        request_versions.working_status,
        sum(case when request_versions.is_closed then 1 else 0 end) over (
            partition by sessions.conversation_id, sessions.session_no
            order by request_versions.version_no asc
            rows between unbounded preceding and current row
        ) as closes_count
    from sessions
    inner join request_versions
        on sessions.conversation_id = request_versions.conversation_id
    where
        (sessions.session_no = 1 or request_versions.version_at >= sessions.opened_at)
        and (
            sessions.next_opened_at is null
            or request_versions.version_at < sessions.next_opened_at
        )
),

lived as (
    select *
    from placed
    where closes_count = 0 or (is_closed and closes_count = 1)
)

select
    conversation_id,
    session_no,
    opened_at,
    closed_at,
    row_number() over (partition by conversation_id, session_no order by version_no asc)
        as state_no,
    case when closed_at < version_at then closed_at else version_at end as state_at,
    coalesce(
        lag(version_at) over (partition by conversation_id, session_no order by version_no asc),
        opened_at
    ) as previous_at,
    lead(version_at) over (partition by conversation_id, session_no order by version_no asc)
        as next_at,
    status,
    is_closed,
    assigned_at,
    agents,
    bots,
    department_id,
    working_status
from lived
