-- sessions: The stretches of a chat from an opening to a close.
-- grain: one row a session of a chat
-- caveat: a closing time is proof of a close even if the close itself was not received
-- columns:
--   conversation_id: the chat
--   session_no: 1, 2, … as far back as the archive was read
--   opened_at: the chat's creation, or the version that shows it open again
--   opened_seen: false if the chat was already open again when first seen: opened_at is too late
--   closed_at: the server's closing time, else the version that shows it closed; null while open
--   closed_by: who; null while open or untold
--   has_details: the server's closing time is known
--   next_opened_at: when the next session began
with versions as (
    select
        conversation_id,
        version_at,
        is_closed,
        lag(is_closed) over (partition by conversation_id order by version_no asc) as was_closed
    from request_versions
    where is_closed is not null
),

points as (
    select
        conversation_id,
        version_at as point_at,
        is_closed,
        was_closed,
        cast(null as timestamp) as closed_at
    from versions
    union all
    select
        conversation_id,
        closed_at as point_at,
        true as is_closed,
        cast(null as boolean) as was_closed,
        closed_at
    from close_details
),

lives as (
    select
        points.conversation_id,
        conversations.created_at,
        points.point_at,
        points.is_closed,
        points.was_closed,
        points.closed_at,
        lag(points.is_closed) over (
            partition by points.conversation_id
            order by points.point_at asc, points.closed_at asc nulls first
        ) as was_closed_before,
        row_number() over (
            partition by points.conversation_id
            order by points.point_at asc, points.closed_at asc nulls first
        ) as point_no
    from points
    inner join conversations
        on points.conversation_id = conversations.conversation_id
    where points.closed_at is null or points.closed_at >= conversations.created_at
),

numbered as (
    select
        lives.*,
        1 + sum(case when was_closed_before and not is_closed then 1 else 0 end) over (
            partition by conversation_id
            order by point_no asc
            rows between unbounded preceding and current row
        ) as session_no
    from lives
),

stretches as (
    select
        conversation_id,
        cast(session_no as bigint) as session_no,
        min(created_at) as created_at,
        min(point_at) as first_at,
        min_by(coalesce(was_closed, false), point_no) as opened_seen,
        min(closed_at) as told_at,
        min(case when is_closed then point_at end) as seen_closed_at
    from numbered
    group by conversation_id, session_no
),

bounded as (
    select
        conversation_id,
        session_no,
        case when session_no = 1 then created_at else first_at end as opened_at,
        session_no = 1 or opened_seen as opened_seen,
        coalesce(told_at, seen_closed_at) as closed_at,
        told_at
    from stretches
)

select
    bounded.conversation_id,
    bounded.session_no,
    bounded.opened_at,
    bounded.opened_seen,
    bounded.closed_at,
    close_details.closed_by,
    bounded.told_at is not null as has_details,
    lead(bounded.opened_at) over (
        partition by bounded.conversation_id order by bounded.session_no asc
    ) as next_opened_at
from bounded
left join close_details
    on
        bounded.conversation_id = close_details.conversation_id
        and bounded.told_at = close_details.closed_at
