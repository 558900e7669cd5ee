-- split_times: Times that count in every row in which they lie, cut where rows and coverage end.
-- grain: one row a piece of a stretch in a cell
-- caveat: what lasts ends where coverage does; what nobody vouches for is left out
-- columns:
--   kind: available, idle (available, no chat), unavailable, busy_status (so, and it says why),
--   conversation_id: of bot, queue and in_progress, which are a chat's; else null
--   agent_id: of the others, which are an agent's; else null
--   cell: key of `cells`
--   since: from
--   until: up to
with rests as (
    select
        agent_id,
        since,
        until,
        lag(until) over (partition by agent_id order by since asc) as before_until
    from agent_levels
    where is_available and chats_count = 0
),

rest_islands as (
    select
        agent_id,
        since,
        until,
        sum(case when before_until = since then 0 else 1 end) over (
            partition by agent_id
            order by since asc
            rows between unbounded preceding and current row
        ) as island
    from rests
),

of_agents as (
    select
        case when is_available then 'available' else 'unavailable' end as kind,
        agent_id,
        started_at as since,
        ended_at as until
    from agent_status
    union all
    select
        'busy_status' as kind,
        agent_id,
        started_at as since,
        ended_at as until
    from agent_status
    where not is_available and profile_status <> ''
    union all
    select
        'idle' as kind,
        agent_id,
        min(since) as since,
        max(until) as until
    from rest_islands
    group by agent_id, island
    union all
    select
        case when is_online then 'online' else 'offline' end as kind,
        agent_id,
        started_at as since,
        ended_at as until
    from presence_stretches
),

of_chats as (
    select
        'queue' as kind,
        conversation_id,
        session_no,
        requested_at as since,
        coalesce(accepted_at, closed_at) as until
    from waits
    where is_waiting
    union all
    select
        'bot' as kind,
        conversation_id,
        session_no,
        since,
        until
    from chat_levels
    where bots_count > 0 and agents_count = 0
    union all
    select
        'in_progress' as kind,
        conversation_id,
        session_no,
        since,
        until
    from chat_levels
    where agents_count > 0 and not is_pending
),

sliced as (
    select
        of_chats.kind,
        of_chats.conversation_id,
        of_chats.session_no,
        cast(null as string) as agent_id,
        slice_stretches.slice,
        greatest(of_chats.since, slice_stretches.since) as since,
        least(of_chats.until, slice_stretches.until) as until
    from of_chats
    left join slice_stretches
        on
            of_chats.conversation_id = slice_stretches.conversation_id
            and of_chats.session_no = slice_stretches.session_no
    union all
    select
        kind,
        cast(null as string) as conversation_id,
        cast(null as bigint) as session_no,
        agent_id,
        cast(null as string) as slice,
        since,
        until
    from of_agents
),

numbered as (
    select
        sliced.*,
        floor(unix_micros(since) / 8.64e10) as first_day,
        floor(unix_micros(until) / 8.64e10) as last_day
    from sliced
),

-- Most stretches end on the day on which they begin, and find their rows by its number.
met as (
    select
        numbered.*,
        covered_days.date,
        covered_days.bucket,
        covered_days.since as covered_since,
        covered_days.until as covered_until
    from numbered
    inner join covered_days
        on numbered.first_day = covered_days.day_no
    where numbered.first_day = numbered.last_day
    union all
    select
        numbered.*,
        covered_periods.date,
        covered_periods.bucket,
        covered_periods.since as covered_since,
        covered_periods.until as covered_until
    from numbered
    inner join covered_periods
        on
            numbered.since < covered_periods.until
            and coalesce(numbered.until, timestamp '9999-12-31 00:00:00') > covered_periods.since
    where numbered.last_day is null or numbered.first_day < numbered.last_day
),

pieces as (
    select
        kind,
        conversation_id,
        session_no,
        agent_id,
        coalesce(cast(date as string), '') || '|' || coalesce(bucket, slice, '') as cell,
        greatest(since, covered_since) as since,
        least(until, covered_until) as until
    from met
)

select
    kind,
    conversation_id,
    session_no,
    agent_id,
    cell,
    since,
    until
from pieces
where since < until
