-- department_stretches: Which department had a chat, from when to when.
-- grain: one row an uninterrupted stretch of one department in a session
-- columns:
--   department_id: the department
--   started_at: the opening if it was the first known, else the version
--   ended_at: the first version with another one, or the close; null while it lasts
with states as (
    select
        conversation_id,
        session_no,
        state_no,
        state_at,
        opened_at,
        closed_at,
        department_id,
        lag(department_id) over (
            partition by conversation_id, session_no order by state_no asc
        ) as before_id
    from session_versions
    where department_id is not null
)

select
    conversation_id,
    session_no,
    department_id,
    case when before_id is null then opened_at else state_at end as started_at,
    coalesce(
        lead(state_at) over (partition by conversation_id, session_no order by state_no asc),
        closed_at
    ) as ended_at
from states
where before_id is null or before_id <> department_id
