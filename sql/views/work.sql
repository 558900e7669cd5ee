-- work: When agents worked on live chats: what staffing is computed from.
-- grain: one row a stretch of an agent's work on a chat
-- caveat: a chat that is silent for longer than the pause limit before it ends is no work any more
-- columns:
--   since: from
--   until: up to
--   is_end: the chat was closed, or fell silent, in this agent's hands: he was done with it
with last_words as (
    select
        conversation_id,
        session_no,
        max(sent_at) as said_at
    from messages
    where is_counted and not is_after_close
    group by conversation_id, session_no
),

cut as (
    select
        engagements.conversation_id,
        engagements.session_no,
        engagements.agent_id,
        engagements.since,
        least(
            engagements.until,
            greatest(coalesce(last_words.said_at, engagements.since), engagements.since)
            + params.pause_limit_s * interval '1' second
        ) as until,
        engagements.until as had_until,
        assignments.ended_at,
        assignments.end_reason
    from engagements
    cross join params
    inner join conversations
        on engagements.conversation_id = conversations.conversation_id
    inner join assignments
        on
            engagements.conversation_id = assignments.conversation_id
            and engagements.session_no = assignments.session_no
            and engagements.agent_id = assignments.agent_id
            and engagements.assigned_at = assignments.started_at
    left join last_words
        on
            engagements.conversation_id = last_words.conversation_id
            and engagements.session_no = last_words.session_no
    where conversations.channel_class = 'live'
),

numbered as (
    select
        cut.*,
        row_number() over (
            partition by conversation_id, session_no order by until desc, agent_id asc, since desc
        ) as from_last
    from cut
    where since < until
)

select
    conversation_id,
    session_no,
    agent_id,
    since,
    until,
    from_last = 1 and (until < had_until or coalesce(end_reason = 'close', false)) as is_end
from numbered
