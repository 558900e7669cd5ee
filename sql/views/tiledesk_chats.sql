-- tiledesk_chats: The chats that Tiledesk's analytics counts, and what sets its figures apart.
-- grain: one row a chat that is not in preflight; drafts are among them
-- columns:
--   created_at: the server's createdAt
--   waiting_ms: the server's waiting time in the newest version; null if none
--   duration_ms: from creation to the newest close, even if open again; null if never closed
--   rating: in the newest version
--   is_draft: a draft or a trial of the bot designer: we do not count it
--   is_apart: of an e-mail, form or messenger: in none of our waits
--   is_bot_first: a bot wrote, and no agent did before it
--   is_transferred: it went from an agent or department to another
--   is_idle_close: the newest close came because nobody wrote any more
--   is_reopened: it was opened again
--   is_open_again: it was closed, and is open
with newest as (
    select
        conversation_id,
        created_at,
        preflight,
        waiting_time_ms,
        rating,
        row_number() over (partition by conversation_id order by version_no desc) as rank
    from request_versions
),

closes as (
    select
        conversation_id,
        max(closed_at) as closed_at,
        max_by(closed_by, closed_at) as closed_by
    from close_details
    group by conversation_id
),

lives as (
    select
        conversation_id,
        max(session_no) as sessions_count,
        max_by(closed_at, session_no) as closed_at
    from sessions
    group by conversation_id
),

talk as (
    select
        conversation_id,
        min(case when sender_role = 'bot' then sent_at end) as bot_at,
        min(case when sender_role = 'agent' then sent_at end) as agent_at
    from messages
    where is_counted
    group by conversation_id
),

moved as (
    select distinct conversation_id
    from handovers
    where kind in ('agent', 'department')
)

select
    newest.conversation_id,
    newest.created_at,
    newest.waiting_time_ms as waiting_ms,
    (unix_micros(closes.closed_at) - unix_micros(newest.created_at)) / 1e3 as duration_ms,
    newest.rating,
    conversations.conversation_id is null as is_draft,
    coalesce(conversations.channel_class <> 'live', false) as is_apart,
    talk.bot_at is not null and (talk.agent_at is null or talk.bot_at < talk.agent_at)
        as is_bot_first,
    moved.conversation_id is not null as is_transferred,
    coalesce(closes.closed_by = '_bot_unresponsive', false) as is_idle_close,
    coalesce(lives.sessions_count > 1, false) as is_reopened,
    coalesce(lives.sessions_count > 1 and lives.closed_at is null, false) as is_open_again
from newest
left join conversations
    on newest.conversation_id = conversations.conversation_id
left join closes
    on newest.conversation_id = closes.conversation_id
left join lives
    on newest.conversation_id = lives.conversation_id
left join talk
    on newest.conversation_id = talk.conversation_id
left join moved
    on newest.conversation_id = moved.conversation_id
where
    newest.rank = 1
    and not coalesce(newest.preflight, false)
