-- waiting_now: The chats in which the visitor waits for a human's word now.
-- grain: one row a session
-- caveat: live channels only; a chat set aside does not wait
-- columns:
--   state: incoming, nobody has it; assigned, but not answered; active, the visitor spoke last
--   agent_id: who has it; null if nobody
--   agent_name: the newest name known, else the id
--   department_name: the newest known, else the id
--   waiting_since: when a human was needed; if active, when the visitor began to speak
--   waiting_s: for how long
with names as (
    select
        department_id,
        max_by(department_name, version_at) as department_name
    from request_versions
    where department_id is not null and department_name is not null
    group by department_id
),

waiting as (
    select
        conversation_id,
        session_no,
        state,
        channel,
        department_id,
        agent_id,
        case when state = 'active' then asked_at else requested_at end as waiting_since
    from chats_now
    where channel_class = 'live' and state in ('incoming', 'assigned', 'active')
)

select
    waiting.conversation_id,
    waiting.session_no,
    waiting.state,
    waiting.channel,
    coalesce(names.department_name, waiting.department_id) as department_name,
    waiting.agent_id,
    agents.agent_name,
    waiting.waiting_since,
    cast(
        (unix_micros(params.now_utc) - unix_micros(waiting.waiting_since)) / 1e6 as double
    ) as waiting_s
from waiting
cross join params
left join names
    on waiting.department_id = names.department_id
left join agents
    on waiting.agent_id = agents.agent_id
where waiting.waiting_since is not null
