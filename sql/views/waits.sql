-- waits: Who waited for a human, since when, and until when.
-- grain: one row a session
-- caveat: an assignment is no answer, and neither is a bot's reply
-- columns:
--   handling: human (no bot was in it), handed (a bot, then a human was needed), bot_only
--   is_proactive: an agent opened it or wrote first
--   is_waiting: counts in waits: live channel, not proactive, a human was needed
--   visitor_at: the visitor's first message; null if there is none
--   requested_at: when a human was first needed; null if never
--   is_request_inferred: a version shows it, no message
--   accepted_at: when an agent first had it from then on; null if none did
--   accepted_by: that agent
--   is_accept_inferred: the time is that of the version which shows the agent
--   answered_at: first message of an agent from then on; null if none came
--   answered_by: that agent
--   abandoned_at: the close without an answer; while open, the last word plus the idle limit
--   is_close_inferred: the close is that of the version which shows it
with seated_bots as (
    select
        conversation_id,
        session_no,
        min(started_at) as bot_at
    from bot_stretches
    group by conversation_id, session_no
),

seated_agents as (
    select
        conversation_id,
        session_no,
        min(started_at) as agent_at
    from assignments
    group by conversation_id, session_no
),

talk as (
    select
        conversation_id,
        session_no,
        min(case when is_counted and sender_role = 'visitor' then sent_at end) as visitor_at,
        min(case when is_counted and sender_role = 'agent' then sent_at end) as agent_at,
        min(case when is_counted and sender_role = 'bot' then sent_at end) as bot_at,
        min(case when action = 'agent' then sent_at end) as command_at,
        max(case when is_counted then sent_at end) as last_at
    from messages
    where not is_after_close
    group by conversation_id, session_no
),

-- The first time that the chat waits in the queue after a bot had it.
queued as (
    select
        states.conversation_id,
        states.session_no,
        min(states.state_at) as queued_at
    from session_versions as states
    inner join bot_stretches
        on
            states.conversation_id = bot_stretches.conversation_id
            and states.session_no = bot_stretches.session_no
            and states.state_at >= bot_stretches.ended_at
    where states.status = 100 and (states.bots is null or size(states.bots) = 0)
    group by states.conversation_id, states.session_no
),

openers as (
    select distinct conversations.conversation_id
    from conversations
    inner join agents
        on conversations.created_by in (agents.agent_id, agents.project_user_id)
),

known as (
    select
        sessions.conversation_id,
        sessions.session_no,
        sessions.opened_at,
        sessions.closed_at,
        not sessions.has_details as is_close_inferred,
        conversations.channel_class,
        seated_bots.bot_at is not null or talk.bot_at is not null as has_bot,
        seated_agents.agent_at is not null or talk.agent_at is not null as has_agent,
        talk.agent_at is not null
        and (talk.visitor_at is null or talk.agent_at < talk.visitor_at) as agent_first,
        sessions.session_no = 1 and openers.conversation_id is not null as agent_opened,
        talk.visitor_at,
        talk.command_at,
        talk.last_at,
        seated_agents.agent_at,
        queued.queued_at
    from sessions
    inner join conversations
        on sessions.conversation_id = conversations.conversation_id
    left join seated_bots
        on
            sessions.conversation_id = seated_bots.conversation_id
            and sessions.session_no = seated_bots.session_no
    left join seated_agents
        on
            sessions.conversation_id = seated_agents.conversation_id
            and sessions.session_no = seated_agents.session_no
    left join talk
        on
            sessions.conversation_id = talk.conversation_id
            and sessions.session_no = talk.session_no
    left join queued
        on
            sessions.conversation_id = queued.conversation_id
            and sessions.session_no = queued.session_no
    left join openers
        on sessions.conversation_id = openers.conversation_id
),

-- `least` passes over nulls on every engine: the earliest sign wins.
needs as (
    select
        known.*,
        case
            when has_bot then least(queued_at, agent_at, command_at)
            else coalesce(visitor_at, opened_at)
        end as requested_at
    from known
),

acceptances as (
    select
        needs.conversation_id,
        needs.session_no,
        greatest(needs.requested_at, assignments.started_at) as accepted_at,
        assignments.agent_id as accepted_by,
        assignments.is_start_inferred and assignments.started_at > needs.requested_at
            as is_accept_inferred,
        row_number() over (
            partition by needs.conversation_id, needs.session_no
            order by assignments.started_at asc, assignments.agent_id asc
        ) as rank
    from needs
    inner join assignments
        on
            needs.conversation_id = assignments.conversation_id
            and needs.session_no = assignments.session_no
    where assignments.ended_at is null or assignments.ended_at > needs.requested_at
),

answers as (
    select
        needs.conversation_id,
        needs.session_no,
        messages.sent_at as answered_at,
        messages.sender_id as answered_by,
        row_number() over (
            partition by needs.conversation_id, needs.session_no
            order by messages.sent_at asc, messages.message_id asc
        ) as rank
    from needs
    inner join messages
        on
            needs.conversation_id = messages.conversation_id
            and needs.session_no = messages.session_no
            and messages.sent_at >= needs.requested_at
    where
        messages.sender_role = 'agent'
        and messages.is_counted
        and not messages.is_after_close
),

told as (
    select
        needs.*,
        needs.agent_first or needs.agent_opened as is_proactive,
        needs.channel_class = 'live'
        and not needs.agent_first
        and not needs.agent_opened
        and needs.requested_at is not null as is_waiting,
        acceptances.accepted_at,
        acceptances.accepted_by,
        acceptances.is_accept_inferred,
        answers.answered_at,
        answers.answered_by,
        greatest(needs.requested_at, needs.last_at) + params.idle_limit_s * interval '1' second
            as idle_at,
        params.now_utc
    from needs
    cross join params
    left join acceptances
        on
            needs.conversation_id = acceptances.conversation_id
            and needs.session_no = acceptances.session_no
            and acceptances.rank = 1
    left join answers
        on
            needs.conversation_id = answers.conversation_id
            and needs.session_no = answers.session_no
            and answers.rank = 1
)

select
    conversation_id,
    session_no,
    opened_at,
    closed_at,
    case
        when not has_bot then 'human'
        when has_agent or requested_at is not null then 'handed'
        else 'bot_only'
    end as handling,
    is_proactive,
    is_waiting,
    visitor_at,
    requested_at,
    case
        when has_bot then coalesce(command_at <> requested_at, true)
        else visitor_at is null and session_no > 1
    end as is_request_inferred,
    accepted_at,
    accepted_by,
    coalesce(is_accept_inferred, false) as is_accept_inferred,
    answered_at,
    answered_by,
    case
        when is_waiting and answered_at is null
            then coalesce(closed_at, case when idle_at <= now_utc then idle_at end)
    end as abandoned_at,
    is_close_inferred
from told
