-- ratings: The visitor's rating of a chat: the last one given.
-- grain: one row a rated chat
-- columns:
--   session_no: the session rated: the last one opened by then
--   rating: 1 to 5
--   rated_at: the version that first shows it; the close, if the first version seen has it already
--   agent_id: who wrote the session's last message of an agent; null if none did
with versions as (
    select
        request_versions.conversation_id,
        request_versions.version_no,
        request_versions.version_at,
        request_versions.closed_at,
        request_versions.rating,
        lag(request_versions.rating) over (
            partition by request_versions.conversation_id
            order by request_versions.version_no asc
        ) as before_rating
    from request_versions
    inner join conversations
        on request_versions.conversation_id = conversations.conversation_id
),

changes as (
    select
        conversation_id,
        rating,
        case when version_no = 1 then coalesce(closed_at, version_at) else version_at end
            as rated_at,
        row_number() over (partition by conversation_id order by version_no desc) as rank
    from versions
    where
        rating is not null
        and (before_rating is null or before_rating <> rating)
),

rated as (
    select
        changes.conversation_id,
        coalesce(max(sessions.session_no), 1) as session_no,
        changes.rating,
        changes.rated_at
    from changes
    left join sessions
        on
            changes.conversation_id = sessions.conversation_id
            and sessions.opened_at < changes.rated_at
    where changes.rank = 1
    group by changes.conversation_id, changes.rating, changes.rated_at
),

last_writers as (
    select
        conversation_id,
        session_no,
        sender_id as agent_id,
        row_number() over (
            partition by conversation_id, session_no order by sent_at desc, message_id desc
        ) as rank
    from messages
    where sender_role = 'agent' and is_counted and not is_after_close
)

select
    rated.conversation_id,
    rated.session_no,
    rated.rating,
    rated.rated_at,
    last_writers.agent_id
from rated
left join last_writers
    on
        rated.conversation_id = last_writers.conversation_id
        and rated.session_no = last_writers.session_no
        and last_writers.rank = 1
