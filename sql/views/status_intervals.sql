-- status_intervals: How long a chat was in which status, inside its sessions.
-- grain: one row an uninterrupted stretch of one status and working status
-- columns:
--   status: 100 nobody assigned, 150 every agent left, 200 assigned
--   is_pending: an agent set the chat aside
--   started_at: first version that shows it
--   ended_at: the next other version, or the close; null while it lasts
with states as (
    select
        conversation_id,
        session_no,
        state_no,
        state_at as started_at,
        closed_at,
        status,
        coalesce(working_status = 'pending', false) as is_pending
    from session_versions
    where status < 1000
),

marked as (
    select
        states.*,
        case
            when
                lag(status) over (
                    partition by conversation_id, session_no order by state_no asc
                ) = status
                and lag(is_pending) over (
                    partition by conversation_id, session_no order by state_no asc
                ) = is_pending
                then 0
            else 1
        end as is_change
    from states
)

select
    conversation_id,
    session_no,
    status,
    is_pending,
    started_at,
    coalesce(
        lead(started_at) over (
            partition by conversation_id, session_no order by state_no asc
        ),
        closed_at
    ) as ended_at
from marked
where is_change = 1
