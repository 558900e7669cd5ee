-- sessions: Each session of a chat, with all that is known of it.
-- grain: one row a session: conversation_id and session_no
-- anchor: opened_at
-- caveat: what is still to come is null, and may be told when the same days are exported again
-- columns:
--   project_id: the project
--   date: the local day on which it was opened
--   conversation_id: the chat: the server's request_id
--   session_no: 1, 2, … as far back as the archive was read
--   opened_at: the chat's creation, or when it was opened again; UTC, as all times
--   is_opening_seen: false if it was open again when first seen: opened_at is too late
--   closed_at: null while open
--   is_close_told: the server told when and by whom; else closed_at is when it was seen closed
--   close_reason: agent, visitor, bot, idle (automatic), trigger (a rule), system, unknown
--   closed_by: the id of who closed it
--   channel: how the visitor writes
--   channel_class: live, async or offline
--   department_id: the session's last department
--   department_name: its name
--   tags: the chat's tags
--   contact_id: the visitor
--   language: as the server guessed it
--   country: as the server guessed it
--   handling: human (no bot was in it), handed (a bot, then a human was needed), bot_only
--   is_proactive: an agent opened it or wrote first
--   is_waiting: it counts in waits: live channel, not proactive, a human was needed
--   visitor_at: the visitor's first message
--   requested_at: when a human was first needed
--   accepted_at: when an agent first had it from then on
--   accepted_by: that agent
--   answered_at: the first message of an agent from then on
--   answered_by: that agent
--   abandoned_at: when it ended without an answer
--   queue_s: from requested_at until an agent had it, or it was closed or answered
--   queue_bh_s: the same in opening hours; null if none are given
--   accept_s: from requested_at to accepted_at
--   accept_bh_s: the same in opening hours
--   first_response_s: from requested_at to answered_at
--   first_response_bh_s: the same in opening hours
--   first_response_customer_s: from visitor_at to answered_at
--   first_response_customer_bh_s: the same in opening hours
--   first_response_bot_s: from visitor_at to a bot's first message
--   duration_s: from opened_at to closed_at
--   duration_bh_s: the same in opening hours
--   active_s: talked in that time: long silences count as short ones
--   idle_tail_s: from the last message to closed_at
--   resolution_s: from requested_at to closed_at
--   handle_elapsed_s: how long agents had it, added up
--   handle_active_s: the same without long silences
--   handle_focus_s: the same, shared out among the chats that each agent had at once
--   agents: the ids of all agents who had it
--   agents_count: how many
--   transfers_count: how often one agent took over from another
--   department_transfers_count: how often it went to another department, once a human was needed
--   turns_count: runs of messages of the same side, visitor or agent
--   agent_turns_count: those of agents
--   last_turn_role: who spoke last, visitor or agent
--   visitor_messages_count: messages of the visitor
--   agent_messages_count: messages of agents, without private notes
--   bot_messages_count: messages of bots
--   notes_count: private notes and what else is no part of the talk
--   rating: 1 to 5
--   rated_at: when
--   is_reopened: it was opened again within 7 days after its close
--   is_in_gap: some of it happened while recording had a gap
--   is_uncertain: one of its times is null because an edge of it lies in a gap
with spans as (
    select
        sessions.*,
        days.date,
        params.project_id,
        least(coalesce(sessions.closed_at, params.now_utc), params.now_utc) as last_at
    from sessions
    cross join params
    inner join days
        on sessions.opened_at >= days.start_utc and sessions.opened_at < days.end_utc
),

times as (
    select
        conversation_id,
        session_no,
        max(case when fact = 'queue_time' then seconds end) as queue_s,
        max(case when fact = 'queue_time' then open_seconds end) as queue_bh_s,
        max(case when fact = 'speed_to_accept' then seconds end) as accept_s,
        max(case when fact = 'speed_to_accept' then open_seconds end) as accept_bh_s,
        max(case when fact = 'first_response_human' then seconds end) as first_response_s,
        max(case when fact = 'first_response_human' then open_seconds end) as first_response_bh_s,
        max(case when fact = 'first_response_customer' then seconds end)
            as first_response_customer_s,
        max(case when fact = 'first_response_customer' then open_seconds end)
            as first_response_customer_bh_s,
        max(case when fact = 'first_response_bot' then seconds end) as first_response_bot_s,
        max(case when fact = 'session_duration' then seconds end) as duration_s,
        max(case when fact = 'session_duration' then open_seconds end) as duration_bh_s,
        max(case when fact = 'active_duration' then value end) as active_s,
        max(case when fact = 'idle_tail' then seconds end) as idle_tail_s,
        max(case when fact = 'resolution_time' then seconds end) as resolution_s,
        max(case when fact = 'handle_elapsed' then value end) as handle_elapsed_s,
        max(case when fact = 'handle_active' then value end) as handle_active_s,
        max(case when fact = 'handle_focus' then value end) as handle_focus_s,
        max(case when is_uncertain then 1 else 0 end) as uncertain
    from timed_facts
    group by conversation_id, session_no
),

seated as (
    select
        conversation_id,
        session_no,
        sort_array(collect_set(agent_id)) as agents,
        count(distinct agent_id) as agents_count
    from assignments
    group by conversation_id, session_no
),

moves as (
    select
        conversation_id,
        session_no,
        count(case when kind = 'agent' then 1 end) as transfers_count,
        count(case when kind = 'department' then 1 end) as department_transfers_count
    from handovers
    group by conversation_id, session_no
),

taken as (
    select
        conversation_id,
        session_no,
        count(*) as turns_count
    from turns
    group by conversation_id, session_no
),

said as (
    select
        conversation_id,
        session_no,
        count(case when is_counted and sender_role = 'visitor' then 1 end)
            as visitor_messages_count,
        count(case when is_counted and sender_role = 'agent' then 1 end) as agent_messages_count,
        count(case when is_counted and sender_role = 'bot' then 1 end) as bot_messages_count,
        count(case when not is_counted and sender_role <> 'system' then 1 end) as notes_count
    from messages
    group by conversation_id, session_no
),

lasts as (
    select
        conversation_id,
        session_no,
        max_by(department_id, started_at) as department_id
    from department_stretches
    group by conversation_id, session_no
),

names as (
    select
        department_id,
        max_by(department_name, version_at) as department_name
    from request_versions
    where department_id is not null and department_name is not null
    group by department_id
),

holed as (
    select distinct
        spans.conversation_id,
        spans.session_no
    from spans
    inner join holes
        on
            spans.last_at > holes.starts_at
            and (holes.until is null or spans.opened_at < holes.until)
)

select
    spans.project_id,
    spans.date,
    spans.conversation_id,
    spans.session_no,
    spans.opened_at,
    spans.opened_seen as is_opening_seen,
    spans.closed_at,
    case when spans.closed_at is not null then spans.has_details end as is_close_told,
    outcomes.close_reason,
    spans.closed_by,
    conversations.channel,
    conversations.channel_class,
    coalesce(lasts.department_id, conversations.department_id) as department_id,
    names.department_name,
    conversations.tags,
    conversations.lead_id as contact_id,
    conversations.language,
    conversations.country,
    waits.handling,
    waits.is_proactive,
    waits.is_waiting,
    waits.visitor_at,
    waits.requested_at,
    waits.accepted_at,
    waits.accepted_by,
    waits.answered_at,
    waits.answered_by,
    waits.abandoned_at,
    times.queue_s,
    times.queue_bh_s,
    times.accept_s,
    times.accept_bh_s,
    times.first_response_s,
    times.first_response_bh_s,
    times.first_response_customer_s,
    times.first_response_customer_bh_s,
    times.first_response_bot_s,
    times.duration_s,
    times.duration_bh_s,
    times.active_s,
    times.idle_tail_s,
    times.resolution_s,
    times.handle_elapsed_s,
    times.handle_active_s,
    times.handle_focus_s,
    seated.agents,
    coalesce(seated.agents_count, 0) as agents_count,
    coalesce(moves.transfers_count, 0) as transfers_count,
    coalesce(moves.department_transfers_count, 0) as department_transfers_count,
    coalesce(taken.turns_count, 0) as turns_count,
    coalesce(outcomes.agent_turns_count, 0) as agent_turns_count,
    outcomes.last_turn_role,
    coalesce(said.visitor_messages_count, 0) as visitor_messages_count,
    coalesce(said.agent_messages_count, 0) as agent_messages_count,
    coalesce(said.bot_messages_count, 0) as bot_messages_count,
    coalesce(said.notes_count, 0) as notes_count,
    ratings.rating,
    ratings.rated_at,
    outcomes.is_reopened,
    holed.conversation_id is not null as is_in_gap,
    coalesce(times.uncertain = 1, false) as is_uncertain
from spans
inner join conversations
    on spans.conversation_id = conversations.conversation_id
left join waits
    on spans.conversation_id = waits.conversation_id and spans.session_no = waits.session_no
left join outcomes
    on spans.conversation_id = outcomes.conversation_id and spans.session_no = outcomes.session_no
left join times
    on spans.conversation_id = times.conversation_id and spans.session_no = times.session_no
left join seated
    on spans.conversation_id = seated.conversation_id and spans.session_no = seated.session_no
left join moves
    on spans.conversation_id = moves.conversation_id and spans.session_no = moves.session_no
left join taken
    on spans.conversation_id = taken.conversation_id and spans.session_no = taken.session_no
left join said
    on spans.conversation_id = said.conversation_id and spans.session_no = said.session_no
left join lasts
    on spans.conversation_id = lasts.conversation_id and spans.session_no = lasts.session_no
left join names
    on coalesce(lasts.department_id, conversations.department_id) = names.department_id
left join ratings
    on spans.conversation_id = ratings.conversation_id and spans.session_no = ratings.session_no
left join holed
    on spans.conversation_id = holed.conversation_id and spans.session_no = holed.session_no
order by
    spans.opened_at asc nulls last,
    spans.conversation_id asc nulls last,
    spans.session_no asc nulls last
