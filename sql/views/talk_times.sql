-- talk_times: How long visitors, bots and agents took to reply, and how long they talked.
-- grain: one row a fact of a session
-- columns:
--   fact: what was timed
--   agent_id: whom it is credited to; null if nobody
--   happened_at: the instant that puts it into a window
--   since: from
--   until: to
--   value: seconds added up, where it is no time between two instants
--   is_since_inferred: `since` is that of the first version which shows it, not the server's own
--   is_until_inferred: the same of `until`
with live as (
    select conversation_id
    from conversations
    where channel_class = 'live'
),

bot_replies as (
    select
        needs.conversation_id,
        needs.session_no,
        needs.visitor_at,
        min(messages.sent_at) as replied_at
    from needs
    inner join live
        on needs.conversation_id = live.conversation_id
    inner join messages
        on
            needs.conversation_id = messages.conversation_id
            and needs.session_no = messages.session_no
            and messages.sent_at >= needs.visitor_at
    where
        messages.sender_role = 'bot'
        and messages.is_counted
        and not messages.is_after_close
    group by needs.conversation_id, needs.session_no, needs.visitor_at
),

answers as (
    select
        turns.conversation_id,
        turns.session_no,
        turns.sender_role,
        turns.sender_id as agent_id,
        turns.started_at as asked_at,
        lead(turns.started_at) over (
            partition by turns.conversation_id, turns.session_no order by turns.turn_no asc
        ) as replied_at
    from turns
    inner join live
        on turns.conversation_id = live.conversation_id
),

said as (
    select
        messages.conversation_id,
        messages.session_no,
        sessions.closed_at,
        not sessions.has_details as is_close_inferred,
        messages.sent_at,
        lead(messages.sent_at) over (
            partition by messages.conversation_id, messages.session_no
            order by messages.sent_at asc, messages.message_id asc
        ) as next_at
    from messages
    inner join sessions
        on
            messages.conversation_id = sessions.conversation_id
            and messages.session_no = sessions.session_no
    where
        messages.is_counted
        and not messages.is_after_close
        and sessions.closed_at is not null
),

-- A silence longer than the pause limit counts as so much.
talked as (
    select
        said.conversation_id,
        said.session_no,
        said.closed_at,
        said.is_close_inferred,
        max(said.sent_at) as last_at,
        sum(
            least(
                (unix_micros(coalesce(said.next_at, said.closed_at)) - unix_micros(said.sent_at))
                / 1e6,
                params.pause_limit_s
            )
        ) as active_s
    from said
    cross join params
    group by said.conversation_id, said.session_no, said.closed_at, said.is_close_inferred
)

select
    'response_time' as fact,
    responses.conversation_id,
    responses.session_no,
    responses.agent_id,
    cast(null as string) as detail,
    responses.replied_at as happened_at,
    responses.asked_at as since,
    responses.replied_at as until,
    cast(null as double) as value,
    false as is_since_inferred,
    false as is_until_inferred
from responses
inner join live
    on responses.conversation_id = live.conversation_id
union all
select
    'first_response_bot' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    replied_at as happened_at,
    visitor_at as since,
    replied_at as until,
    cast(null as double) as value,
    false as is_since_inferred,
    false as is_until_inferred
from bot_replies
union all
select
    'visitor_response' as fact,
    conversation_id,
    session_no,
    agent_id,
    cast(null as string) as detail,
    replied_at as happened_at,
    asked_at as since,
    replied_at as until,
    cast(null as double) as value,
    false as is_since_inferred,
    false as is_until_inferred
from answers
where sender_role = 'agent' and replied_at is not null
union all
select
    'session_duration' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    closed_at as happened_at,
    opened_at as since,
    closed_at as until,
    cast(null as double) as value,
    session_no > 1 as is_since_inferred,
    not has_details as is_until_inferred
from sessions
where opened_seen and closed_at is not null
union all
select
    'idle_tail' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    closed_at as happened_at,
    last_at as since,
    closed_at as until,
    cast(null as double) as value,
    false as is_since_inferred,
    is_close_inferred as is_until_inferred
from talked
union all
select
    'active_duration' as fact,
    conversation_id,
    session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    closed_at as happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    cast(active_s as double) as value,
    false as is_since_inferred,
    false as is_until_inferred
from talked
