-- presence_stretches: When an agent was connected.
-- grain: one row an uninterrupted stretch of one presence of an agent
-- caveat: many servers never tell it; away for less than a minute is not away
-- columns:
--   is_online: connected
--   started_at: since when the server says so, not before the agent's first update known
--   ended_at: the next change; null for the last one known
with firsts as (
    select
        agent_id,
        min(started_at) as known_at
    from agent_status
    group by agent_id
),

told as (
    select
        events.agent_id,
        events.presence = 'online' as is_online,
        greatest(
            least(
                events.presence_changed_at, coalesce(events.updated_at, events.received_at)
            ),
            firsts.known_at
        ) as changed_at,
        coalesce(events.updated_at, events.received_at) as told_at,
        events.recorder,
        events.seq
    from events
    inner join firsts
        on events.agent_id = firsts.agent_id
    where events.kind = 'agent' and events.presence is not null
),

ranked as (
    select
        told.*,
        row_number() over (
            partition by agent_id, changed_at order by told_at desc, recorder asc, seq desc
        ) as rank
    from told
),

marked as (
    select
        agent_id,
        is_online,
        changed_at,
        lag(is_online) over (partition by agent_id order by changed_at asc) as was_online
    from ranked
    where rank = 1
),

changes as (
    select
        agent_id,
        is_online,
        was_online,
        changed_at,
        lead(changed_at) over (partition by agent_id order by changed_at asc) as ended_at
    from marked
    where was_online is null or was_online <> is_online
),

smoothed as (
    select
        agent_id,
        is_online,
        changed_at,
        lag(is_online) over (partition by agent_id order by changed_at asc) as was_online
    from changes
    where
        is_online
        or was_online is null
        or ended_at is null
        or ended_at >= changed_at + interval '60' second
)

select
    agent_id,
    is_online,
    changed_at as started_at,
    lead(changed_at) over (partition by agent_id order by changed_at asc) as ended_at
from smoothed
where was_online is null or was_online <> is_online
