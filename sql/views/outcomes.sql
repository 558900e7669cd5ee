-- outcomes: What became of each session.
-- grain: one row a session
-- columns:
--   close_reason: agent, visitor, bot, idle (automatic), trigger (a rule), system; null while open
--   had_agent: an agent had the chat
--   is_transferred: one agent took over from another
--   agent_turns_count: how often an agent spoke; 0 if none did
--   last_turn_role: who spoke last, visitor or agent; null if neither did
--   is_rated: the visitor rated the chat, be it days later
--   is_reopened: it was opened again within 7 days after its close
with reasons as (
    select
        sessions.conversation_id,
        sessions.session_no,
        case
            when sessions.closed_at is null then null
            when sessions.closed_by is null then 'unknown'
            when sessions.closed_by = '_bot_unresponsive' then 'idle'
            when sessions.closed_by = '_trigger' then 'trigger'
            when sessions.closed_by = 'system' then 'system'
            when substring(sessions.closed_by, 1, 4) = 'bot_' then 'bot'
            when sessions.closed_by = conversations.lead_id then 'visitor'
            when agents.agent_id is not null then 'agent'
            else 'unknown'
        end as close_reason,
        coalesce(sessions.next_opened_at <= sessions.closed_at + interval '7' day, false)
            as is_reopened
    from sessions
    inner join conversations
        on sessions.conversation_id = conversations.conversation_id
    left join agents
        on sessions.closed_by = agents.agent_id
),

seated as (
    select
        conversation_id,
        session_no,
        max(case when end_reason = 'transfer' then 1 else 0 end) as is_transferred
    from assignments
    group by conversation_id, session_no
),

spoken as (
    select
        conversation_id,
        session_no,
        count(case when sender_role = 'agent' then 1 end) as agent_turns_count,
        max_by(sender_role, turn_no) as last_turn_role
    from turns
    group by conversation_id, session_no
)

select
    reasons.conversation_id,
    reasons.session_no,
    reasons.close_reason,
    seated.conversation_id is not null as had_agent,
    coalesce(seated.is_transferred = 1, false) as is_transferred,
    coalesce(spoken.agent_turns_count, 0) as agent_turns_count,
    spoken.last_turn_role,
    ratings.conversation_id is not null as is_rated,
    reasons.is_reopened
from reasons
left join seated
    on
        reasons.conversation_id = seated.conversation_id
        and reasons.session_no = seated.session_no
left join spoken
    on
        reasons.conversation_id = spoken.conversation_id
        and reasons.session_no = spoken.session_no
left join ratings
    on reasons.conversation_id = ratings.conversation_id
