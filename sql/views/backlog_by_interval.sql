-- backlog_by_interval: How the day filled: chats that came and went, and what was open meanwhile.
-- grain: one row an interval of the local clock; those of an hour that the clock repeats come twice
-- caveat: a chat that was opened before the archive was read back to, and silent since, is not seen
-- columns:
--   date: the local day
--   minute: where it begins, minutes after local midnight by the clock
--   since: its first instant
--   until: the first instant after it
--   opened_count: chats that began in it, or were opened again
--   closed_count: chats that were closed in it
--   open_count: chats open at its first instant; null if nobody vouches for that instant
--   waiting_count: those of them that waited for an agent to have them; live channels only
--   agent_count: of the others, those that an agent had, not set aside
--   bot_count: of the rest, those that a bot had
--   coverage_ratio: for how much of the interval a recorder vouches
with opened as (
    select
        intervals.since,
        count(*) as opened_count
    from intervals
    inner join sessions
        on sessions.opened_at >= intervals.since and sessions.opened_at < intervals.until
    group by intervals.since
),

closed as (
    select
        intervals.since,
        count(*) as closed_count
    from intervals
    inner join sessions
        on sessions.closed_at >= intervals.since and sessions.closed_at < intervals.until
    group by intervals.since
),

vouched as (
    select intervals.since
    from intervals
    inner join coverage
        on coverage.since <= intervals.since and coverage.until > intervals.since
),

open as (
    select
        vouched.since,
        sessions.conversation_id,
        sessions.session_no,
        coalesce(
            waits.is_waiting
            and waits.requested_at <= vouched.since
            and (waits.accepted_at is null or waits.accepted_at > vouched.since),
            false
        ) as is_waiting,
        coalesce(chat_levels.agents_count > 0 and not chat_levels.is_pending, false) as has_agent,
        coalesce(chat_levels.bots_count > 0 and chat_levels.agents_count = 0, false) as has_bot
    from vouched
    inner join sessions
        on
            sessions.opened_at <= vouched.since
            and (sessions.closed_at is null or sessions.closed_at > vouched.since)
    left join waits
        on
            sessions.conversation_id = waits.conversation_id
            and sessions.session_no = waits.session_no
    left join chat_levels
        on
            sessions.conversation_id = chat_levels.conversation_id
            and sessions.session_no = chat_levels.session_no
            and chat_levels.since <= vouched.since
            and chat_levels.until > vouched.since
),

counted as (
    select
        since,
        count(*) as open_count,
        count(case when is_waiting then 1 end) as waiting_count,
        count(case when has_agent and not is_waiting then 1 end) as agent_count,
        count(case when has_bot and not is_waiting then 1 end) as bot_count
    from open
    group by since
)

select
    intervals.date,
    intervals.minute,
    intervals.since,
    intervals.until,
    coalesce(opened.opened_count, 0) as opened_count,
    coalesce(closed.closed_count, 0) as closed_count,
    case when vouched.since is not null then coalesce(counted.open_count, 0) end as open_count,
    case when vouched.since is not null then coalesce(counted.waiting_count, 0) end
        as waiting_count,
    case when vouched.since is not null then coalesce(counted.agent_count, 0) end as agent_count,
    case when vouched.since is not null then coalesce(counted.bot_count, 0) end as bot_count,
    intervals.coverage_ratio
from intervals
left join opened
    on intervals.since = opened.since
left join closed
    on intervals.since = closed.since
left join vouched
    on intervals.since = vouched.since
left join counted
    on intervals.since = counted.since
