-- agents_now: The agents of the project, and what they do now.
-- grain: one row an agent whose state is followed, and who is active in the project
-- columns:
--   state: available; away, not available but connected; else offline
--   profile_status: why not available: empty or `inactive`
--   is_online: connected; null if nothing tells it
--   since: since when the availability, the reason and the limit are so
--   chats_count: chats had, without those set aside
--   chat_limit: chats that the agent may have: the own limit, else the project's; null if none
--   is_at_limit: has as many as that; null without limit
--   slots_free: how many more the agent may have; null without limit
with had as (
    select
        assignments.agent_id,
        count(*) as chats_count
    from assignments
    cross join params
    inner join chats_now
        on
            assignments.conversation_id = chats_now.conversation_id
            and assignments.session_no = chats_now.session_no
    where
        chats_now.state <> 'pending'
        and assignments.started_at <= params.now_utc
        and (assignments.ended_at is null or assignments.ended_at > params.now_utc)
    group by assignments.agent_id
),

present as (
    select
        presence_stretches.agent_id,
        presence_stretches.is_online
    from presence_stretches
    cross join params
    where
        presence_stretches.started_at <= params.now_utc
        and (presence_stretches.ended_at is null or presence_stretches.ended_at > params.now_utc)
),

current_states as (
    select
        agent_status.agent_id,
        agent_status.is_available,
        agent_status.profile_status,
        agent_status.started_at,
        present.is_online,
        coalesce(had.chats_count, 0) as chats_count,
        coalesce(agent_status.chat_limit, params.chat_limit) as chat_limit
    from agent_status
    cross join params
    left join present
        on agent_status.agent_id = present.agent_id
    left join had
        on agent_status.agent_id = had.agent_id
    where
        agent_status.is_member
        and agent_status.started_at <= params.now_utc
        and (agent_status.ended_at is null or agent_status.ended_at > params.now_utc)
)

select
    current_states.agent_id,
    agents.agent_name,
    case
        when current_states.is_available then 'available'
        when current_states.is_online then 'away'
        else 'offline'
    end as state,
    current_states.profile_status,
    current_states.is_online,
    current_states.started_at as since,
    current_states.chats_count,
    current_states.chat_limit,
    current_states.chats_count >= current_states.chat_limit as is_at_limit,
    greatest(
        current_states.chat_limit - current_states.chats_count,
        case when current_states.chat_limit is not null then 0 end
    ) as slots_free
from current_states
inner join agents
    on current_states.agent_id = agents.agent_id
