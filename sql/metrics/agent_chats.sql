-- agent_chats: How many chats each agent got, answered, passed on and closed.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: start of the assignment; the close; the transfer; the message
-- units: counts
-- caveat: added again within a minute counts once; agents with nothing are left out
-- columns:
--   date: the local day
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   assigned_count: chats assigned
--   answered_count: those in which the agent wrote something
--   closed_count: chats that the agent closed
--   transferred_in_count: chats taken over from another agent
--   transferred_out_count: chats taken over by another agent
--   messages_count: messages written, without private notes
with stretches as (
    select
        conversation_id,
        session_no,
        agent_id,
        started_at,
        ended_at,
        case
            when
                started_at < lag(ended_at) over (
                    partition by conversation_id, session_no, agent_id order by started_at asc
                ) + interval '60' second
                then 0
            else 1
        end as is_new
    from assignments
),

numbered as (
    select
        stretches.*,
        sum(is_new) over (
            partition by conversation_id, session_no, agent_id
            order by started_at asc
            rows between unbounded preceding and current row
        ) as got_no
    from stretches
),

-- Whoever is added again within a minute still has the chat that he got before.
got as (
    select
        numbered.*,
        min(started_at) over (
            partition by conversation_id, session_no, agent_id, got_no
        ) as got_at
    from numbered
),

written as (
    select
        conversation_id,
        session_no,
        sender_id as agent_id,
        sent_at
    from messages
    where is_counted and sender_role = 'agent'
),

answered as (
    select distinct
        got.conversation_id,
        got.session_no,
        got.agent_id,
        got.got_at
    from got
    inner join written
        on
            got.conversation_id = written.conversation_id
            and got.session_no = written.session_no
            and got.agent_id = written.agent_id
            and written.sent_at >= got.started_at
            and (got.ended_at is null or written.sent_at <= got.ended_at)
),

doings as (
    select agent_id, started_at as done_at, 'assigned' as doing
    from got
    where is_new = 1
    union all
    select agent_id, got_at as done_at, 'answered' as doing
    from answered
    union all
    select closed_by as agent_id, closed_at as done_at, 'closed' as doing
    from sessions
    where closed_by is not null
    union all
    select to_id as agent_id, transferred_at as done_at, 'in' as doing
    from handovers
    where kind = 'agent'
    union all
    select from_id as agent_id, transferred_at as done_at, 'out' as doing
    from handovers
    where kind = 'agent'
    union all
    select agent_id, sent_at as done_at, 'message' as doing
    from written
)

select
    periods.date,
    agents.agent_id,
    agents.agent_name,
    count(case when doings.doing = 'assigned' then 1 end) as assigned_count,
    count(case when doings.doing = 'answered' then 1 end) as answered_count,
    count(case when doings.doing = 'closed' then 1 end) as closed_count,
    count(case when doings.doing = 'in' then 1 end) as transferred_in_count,
    count(case when doings.doing = 'out' then 1 end) as transferred_out_count,
    count(case when doings.doing = 'message' then 1 end) as messages_count
from periods
inner join doings
    on doings.done_at >= periods.start_utc and doings.done_at < periods.end_utc
inner join agents
    on doings.agent_id = agents.agent_id
group by periods.date, agents.agent_id, agents.agent_name
order by
    periods.date asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
