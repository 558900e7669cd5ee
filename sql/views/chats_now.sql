-- chats_now: The chats that are open now, and what they wait for.
-- grain: one row an open session
-- columns:
--   state: incoming, assigned, active, pending, bot or open: see below
--   agent_id: who had it last of those who have it; null if no agent has
--   requested_at: when a human was first needed; null if never
--   answered_at: the first answer of a human since; null if none came
--   asked_at: when the visitor, who spoke last, began to; null if an agent spoke last
-- state: set aside by an agent: pending. Else, if a human has answered: active. Else, if the
-- visitor needs one: assigned if an agent has it, incoming if not. Else bot, if one has it.
with held as (
    select
        assignments.conversation_id,
        assignments.session_no,
        assignments.agent_id,
        row_number() over (
            partition by assignments.conversation_id, assignments.session_no
            order by assignments.started_at desc, assignments.agent_id asc
        ) as rank
    from assignments
    cross join params
    where
        assignments.started_at <= params.now_utc
        and (assignments.ended_at is null or assignments.ended_at > params.now_utc)
),

botted as (
    select distinct
        bot_stretches.conversation_id,
        bot_stretches.session_no
    from bot_stretches
    cross join params
    where
        bot_stretches.started_at <= params.now_utc
        and (bot_stretches.ended_at is null or bot_stretches.ended_at > params.now_utc)
),

set_aside as (
    select
        status_intervals.conversation_id,
        status_intervals.session_no
    from status_intervals
    cross join params
    where
        status_intervals.is_pending
        and status_intervals.started_at <= params.now_utc
        and (status_intervals.ended_at is null or status_intervals.ended_at > params.now_utc)
    group by status_intervals.conversation_id, status_intervals.session_no
),

spoken as (
    select
        turns.conversation_id,
        turns.session_no,
        turns.sender_role,
        turns.started_at,
        row_number() over (
            partition by turns.conversation_id, turns.session_no order by turns.turn_no desc
        ) as from_last
    from turns
    cross join params
    where turns.started_at <= params.now_utc
)

select
    waits.conversation_id,
    waits.session_no,
    conversations.channel,
    conversations.channel_class,
    conversations.department_id,
    case
        when set_aside.conversation_id is not null then 'pending'
        when waits.answered_at is not null then 'active'
        when waits.requested_at is not null and not waits.is_proactive
            then case when held.agent_id is null then 'incoming' else 'assigned' end
        when botted.conversation_id is not null then 'bot'
        else 'open'
    end as state,
    held.agent_id,
    waits.opened_at,
    waits.requested_at,
    waits.answered_at,
    case when spoken.sender_role = 'visitor' then spoken.started_at end as asked_at
from waits
cross join params
inner join conversations
    on waits.conversation_id = conversations.conversation_id
left join held
    on
        waits.conversation_id = held.conversation_id
        and waits.session_no = held.session_no
        and held.rank = 1
left join botted
    on
        waits.conversation_id = botted.conversation_id
        and waits.session_no = botted.session_no
left join set_aside
    on
        waits.conversation_id = set_aside.conversation_id
        and waits.session_no = set_aside.session_no
left join spoken
    on
        waits.conversation_id = spoken.conversation_id
        and waits.session_no = spoken.session_no
        and spoken.from_last = 1
where
    waits.opened_at <= params.now_utc
    and (waits.closed_at is null or waits.closed_at > params.now_utc)
