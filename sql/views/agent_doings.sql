-- agent_doings: What agents did: chats got, taken over and passed on, and the first word in each.
-- grain: one row a doing
-- columns:
--   fact: assigned; reaction, to the own first message (live); took_over; passed_on
--   detail: of assigned, answered or unanswered
--   happened_at: the assignment's start; the message; the transfer
--   since: of a reaction, the assignment's start; else null
--   until: of a reaction, the message; else null
--   is_since_inferred: the start is that of the version which shows it, not the server's own
--   is_until_inferred: false: a message has the server's own time
with firsts as (
    select
        assignments.conversation_id,
        assignments.session_no,
        assignments.agent_id,
        assignments.started_at,
        min(messages.sent_at) as wrote_at
    from assignments
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

stretches as (
    select
        assignments.conversation_id,
        assignments.session_no,
        assignments.agent_id,
        assignments.started_at,
        assignments.is_start_inferred,
        firsts.wrote_at,
        case
            when
                assignments.started_at < lag(assignments.ended_at) over (
                    partition by
                        assignments.conversation_id, assignments.session_no, assignments.agent_id
                    order by assignments.started_at asc
                ) + interval '60' second
                then 0
            else 1
        end as is_new
    from assignments
    left join firsts
        on
            assignments.conversation_id = firsts.conversation_id
            and assignments.session_no = firsts.session_no
            and assignments.agent_id = firsts.agent_id
            and assignments.started_at = firsts.started_at
),

-- Whoever is added again within a minute still has the chat that he got before.
numbered as (
    select
        stretches.*,
        sum(is_new) over (
            partition by conversation_id, session_no, agent_id
            order by started_at asc
            rows between unbounded preceding and current row
        ) as got_no
    from stretches
)

select
    'assigned' as fact,
    conversation_id,
    session_no,
    agent_id,
    case when min(wrote_at) is null then 'unanswered' else 'answered' end as detail,
    min(started_at) as happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    false as is_since_inferred,
    false as is_until_inferred
from numbered
group by conversation_id, session_no, agent_id, got_no
union all
select
    'reaction' as fact,
    stretches.conversation_id,
    stretches.session_no,
    stretches.agent_id,
    cast(null as string) as detail,
    stretches.wrote_at as happened_at,
    stretches.started_at as since,
    stretches.wrote_at as until,
    stretches.is_start_inferred as is_since_inferred,
    false as is_until_inferred
from stretches
inner join conversations
    on stretches.conversation_id = conversations.conversation_id
where stretches.wrote_at is not null and conversations.channel_class = 'live'
union all
select
    'took_over' as fact,
    conversation_id,
    session_no,
    to_id as agent_id,
    cast(null as string) as detail,
    transferred_at as happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    false as is_since_inferred,
    false as is_until_inferred
from handovers
where kind = 'agent'
union all
select
    'passed_on' as fact,
    conversation_id,
    session_no,
    from_id as agent_id,
    cast(null as string) as detail,
    transferred_at as happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    false as is_since_inferred,
    false as is_until_inferred
from handovers
where kind = 'agent'
