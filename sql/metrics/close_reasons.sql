-- close_reasons: Who closed the chats.
-- grain: one row a local day (and one for the whole window, date null) and reason
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- columns:
--   date: the local day
--   close_reason: agent, visitor, bot, idle (automatic), trigger (a rule), system, unknown (untold)
--   sessions_count: closes
--   closed_ratio: share of the day's closes
with closed as (
    select
        sessions.closed_at,
        case
            when sessions.closed_by is null then 'unknown'
            when sessions.closed_by = '_bot_unresponsive' then 'idle'
            when sessions.closed_by = '_trigger' then 'trigger'
            when sessions.closed_by = 'system' then 'system'
            when substring(sessions.closed_by, 1, 4) = 'bot_' then 'bot'
            when sessions.closed_by = conversations.lead_id then 'visitor'
            when agents.agent_id is not null then 'agent'
            else 'unknown'
        end as close_reason
    from sessions
    inner join conversations
        on sessions.conversation_id = conversations.conversation_id
    left join agents
        on sessions.closed_by = agents.agent_id
    where sessions.closed_at is not null
),

counted as (
    select
        periods.date,
        closed.close_reason,
        count(*) as sessions_count
    from periods
    inner join closed
        on closed.closed_at >= periods.start_utc and closed.closed_at < periods.end_utc
    group by periods.date, closed.close_reason
)

select
    date,
    close_reason,
    sessions_count,
    sessions_count / nullif(cast(sum(sessions_count) over (partition by date) as double), 0)
        as closed_ratio
from counted
order by date asc nulls last, sessions_count desc nulls last, close_reason asc nulls last
