-- agent_status: When an agent was available.
-- grain: one row an uninterrupted stretch of one state and limit of an agent
-- caveat: the first state seen may have begun earlier than the server's last update says
-- columns:
--   is_available: the switch is on, and the agent is active in the project
--   is_member: false once disabled or removed from the project
--   profile_status: why not: empty or `inactive`
--   chat_limit: the agent's own limit of chats at once; null: the project's
--   started_at: the server's update that first shows it
--   ended_at: the update that shows another; null for the last one known
with copies as (
    select
        agent_id,
        entity_id,
        coalesce(updated_at, received_at) as changed_at,
        available and coalesce(agent_state, 'active') = 'active' and not coalesce(trashed, false)
            as is_available,
        coalesce(agent_state, 'active') = 'active' and not coalesce(trashed, false) as is_member,
        coalesce(profile_status, '') as profile_status,
        case when chat_limit <> -1 then chat_limit end as chat_limit,
        busy,
        is_snapshot,
        recorder,
        seq
    from events
    where kind = 'agent' and agent_id is not null and available is not null
),

ranked as (
    select
        copies.*,
        row_number() over (
            partition by
                entity_id, changed_at, is_available, is_member, profile_status, chat_limit, busy
            order by is_snapshot asc, recorder asc, seq asc
        ) as rank
    from copies
),

marked as (
    select
        agent_id,
        is_available,
        is_member,
        profile_status,
        chat_limit,
        changed_at,
        recorder,
        seq,
        case
            when
                lag(is_available) over (
                    partition by agent_id order by changed_at asc, recorder asc, seq asc
                ) = is_available
                and lag(profile_status) over (
                    partition by agent_id order by changed_at asc, recorder asc, seq asc
                ) = profile_status
                and lag(is_member) over (
                    partition by agent_id order by changed_at asc, recorder asc, seq asc
                ) = is_member
                and lag(coalesce(chat_limit, -1)) over (
                    partition by agent_id order by changed_at asc, recorder asc, seq asc
                ) = coalesce(chat_limit, -1)
                then 0
            else 1
        end as is_change
    from ranked
    where rank = 1
)

select
    agent_id,
    is_available,
    is_member,
    profile_status,
    chat_limit,
    changed_at as started_at,
    lead(changed_at) over (
        partition by agent_id order by changed_at asc, recorder asc, seq asc
    ) as ended_at
from marked
where is_change = 1
