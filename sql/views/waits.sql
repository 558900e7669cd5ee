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
--   is_accept_inferred: nothing but a version tells since when the agent had it
--   answered_at: first message of an agent from then on; null if none came
--   answered_by: that agent
--   abandoned_at: the close without an answer; while open, the last word plus the idle limit
--   is_close_inferred: the close is that of the version which shows it
with acceptances as (
    select
        needs.conversation_id,
        needs.session_no,
        greatest(needs.requested_at, assignments.started_at) as accepted_at,
        assignments.agent_id as accepted_by,
        assignments.is_start_inferred as is_accept_inferred,
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
        needs.channel_class = 'live'
        and not needs.is_proactive
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
    is_request_inferred,
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
