-- needs: When a person was first needed in a session, and what tells so.
-- grain: one row a session
-- columns:
--   is_close_inferred: the close is that of the version which shows it
--   has_bot: a bot had it or wrote in it
--   has_agent: an agent had it or wrote in it
--   is_proactive: an agent opened it or wrote first
--   visitor_at: the visitor's first message; null if there is none
--   last_at: the last word of anybody; null if there is none
--   requested_at: when a human was first needed; null if never, or if all of it lies in a gap
--   is_request_inferred: a version shows it, no message
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

-- What was opened and closed in a gap may be heard of later, but what was said in it never is.
hidden as (
    select distinct
        sessions.conversation_id,
        sessions.session_no
    from sessions
    inner join holes
        on sessions.opened_at > holes.starts_at and sessions.closed_at < holes.until
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
        queued.queued_at,
        hidden.conversation_id is not null and talk.last_at is null as is_hidden
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
    left join hidden
        on
            sessions.conversation_id = hidden.conversation_id
            and sessions.session_no = hidden.session_no
)

-- `least` passes over nulls on every engine: the earliest sign wins.
select
    conversation_id,
    session_no,
    opened_at,
    closed_at,
    is_close_inferred,
    channel_class,
    has_bot,
    has_agent,
    agent_first or agent_opened as is_proactive,
    visitor_at,
    last_at,
    case
        when has_bot then least(queued_at, agent_at, command_at)
        when not is_hidden then coalesce(visitor_at, opened_at)
    end as requested_at,
    case
        when has_bot then coalesce(command_at <> least(queued_at, agent_at, command_at), true)
        else visitor_at is null
    end as is_request_inferred
from known
