-- agent_response: How fast each agent replied: first to a chat got, then to each message.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the agent's message
-- units: seconds
-- caveat: live channels only; a reply counts for whoever wrote it, whoever had the chat
-- columns:
--   date: the local day
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   reaction_count: chats got in which the agent wrote
--   reaction_p50_s: from getting the chat to the own first message, median
--   reaction_p90_s: nine in ten were no longer
--   reaction_mean_s: mean
--   response_count: replies to a visitor's turn
--   response_p50_s: from the first message of the turn to the reply, median
--   response_p90_s: nine in ten were no longer
--   response_mean_s: mean
with live as (
    select conversation_id
    from conversations
    where channel_class = 'live'
),

firsts as (
    select
        assignments.agent_id,
        assignments.started_at,
        min(messages.sent_at) as done_at
    from assignments
    inner join live
        on assignments.conversation_id = live.conversation_id
    inner join messages
        on
            assignments.conversation_id = messages.conversation_id
            and assignments.session_no = messages.session_no
            and assignments.agent_id = messages.sender_id
            and messages.sent_at >= assignments.started_at
            and (assignments.ended_at is null or messages.sent_at <= assignments.ended_at)
    where messages.is_counted
    group by
        assignments.conversation_id,
        assignments.session_no,
        assignments.agent_id,
        assignments.started_at
),

replies as (
    select
        agent_id,
        done_at,
        (unix_micros(done_at) - unix_micros(started_at)) / 1e6 as reaction_s,
        cast(null as double) as response_s
    from firsts
    union all
    select
        responses.agent_id,
        responses.replied_at as done_at,
        cast(null as double) as reaction_s,
        (unix_micros(responses.replied_at) - unix_micros(responses.asked_at)) / 1e6
            as response_s
    from responses
    inner join live
        on responses.conversation_id = live.conversation_id
)

select
    periods.date,
    agents.agent_id,
    agents.agent_name,
    count(replies.reaction_s) as reaction_count,
    percentile_cont(0.5) within group (order by replies.reaction_s) as reaction_p50_s,
    percentile_cont(0.9) within group (order by replies.reaction_s) as reaction_p90_s,
    avg(replies.reaction_s) as reaction_mean_s,
    count(replies.response_s) as response_count,
    percentile_cont(0.5) within group (order by replies.response_s) as response_p50_s,
    percentile_cont(0.9) within group (order by replies.response_s) as response_p90_s,
    avg(replies.response_s) as response_mean_s
from periods
inner join replies
    on replies.done_at >= periods.start_utc and replies.done_at < periods.end_utc
inner join agents
    on replies.agent_id = agents.agent_id
group by periods.date, agents.agent_id, agents.agent_name
order by
    periods.date asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
