-- happenings: What happened to chats, to be counted.
-- grain: one row a happening
-- columns:
--   fact: opened, requested (a human), abandoned, agents_left, transferred, helped, closed, rated
--   agent_id: who did it, or whom it is credited to; null if nobody
--   detail: which kind
--   happened_at: when
--   value: the stars of a rating; else null
with states as (
    select
        conversation_id,
        version_at,
        status = 150 as is_abandoned,
        coalesce(fully_abandoned, false) as is_told,
        lag(status = 150) over (partition by conversation_id order by version_no asc)
            as was_abandoned,
        lag(coalesce(fully_abandoned, false)) over (
            partition by conversation_id order by version_no asc
        ) as was_told
    from request_versions
    where status is not null
),

-- What was so when first seen is no change.
leavings as (
    select
        conversation_id,
        version_at
    from states
    where (is_abandoned and not was_abandoned) or (is_told and not was_told)
)

select
    'opened' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    case when session_no = 1 then 'new' else 'reopened' end as detail,
    opened_at as happened_at,
    cast(null as double) as value
from sessions
union all
select
    'requested' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    case when is_waiting then 'waiting' else 'apart' end as detail,
    requested_at as happened_at,
    cast(null as double) as value
from waits
where requested_at is not null
union all
select
    'abandoned' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    case when accepted_at is null then 'queue' else 'assigned' end as detail,
    abandoned_at as happened_at,
    cast(null as double) as value
from waits
where abandoned_at is not null
union all
select
    'agents_left' as fact,
    leavings.conversation_id,
    sessions.session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    leavings.version_at as happened_at,
    cast(null as double) as value
from leavings
inner join sessions
    on
        leavings.conversation_id = sessions.conversation_id
        and leavings.version_at >= sessions.opened_at
        and (sessions.next_opened_at is null or leavings.version_at < sessions.next_opened_at)
union all
select
    case when kind = 'helper' then 'helped' else 'transferred' end as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    kind as detail,
    transferred_at as happened_at,
    cast(null as double) as value
from handovers
union all
select
    'closed' as fact,
    conversation_id,
    session_no,
    closed_by as agent_id,
    case when has_details then 'told' else 'untold' end as detail,
    closed_at as happened_at,
    cast(null as double) as value
from sessions
where closed_at is not null
union all
select
    'rated' as fact,
    conversation_id,
    session_no,
    agent_id,
    cast(null as string) as detail,
    rated_at as happened_at,
    rating as value
from ratings
