-- backlog_at_midnight: What was left open when the day ended.
-- grain: one row a local day of the window that has ended
-- anchor: the midnight at the day's end
-- units: counts; seconds
-- params: now_utc
-- follows: Intercom and LivePerson open conversations
-- caveat: a chat that was opened before the archive was read back to, and silent since, is not seen
-- edge: what closes after midnight was open at it; a chat of whatever channel counts
-- columns:
--   date: the local day
--   open_count: chats open
--   unassigned_count: nobody had them
--   assigned_count: an agent or a bot had them
--   abandoned_count: every agent had left them
--   pending_count: set aside by an agent, of whatever status
--   unanswered_count: on live channels, a human was needed and none had replied
--   age_p50_s: median time since they were opened
--   age_max_s: the longest
--   coverage_ratio: for how much of the day a recorder vouches
with ended as (
    select
        days.date,
        days.end_utc
    from days
    cross join params
    where days.end_utc <= params.now_utc
),

-- However the cells are broken down, each slice of a day has the whole day's coverage.
covered as (
    select
        date,
        sum(covered_s) / nullif(sum(elapsed_s), 0) as coverage_ratio
    from cells
    group by date
),

open as (
    select
        ended.date,
        sessions.conversation_id,
        status_intervals.status,
        coalesce(status_intervals.is_pending, false) as is_pending,
        coalesce(
            waits.is_waiting
            and waits.requested_at < ended.end_utc
            and (waits.answered_at is null or waits.answered_at >= ended.end_utc),
            false
        ) as is_unanswered,
        (unix_micros(ended.end_utc) - unix_micros(sessions.opened_at)) / 1e6 as age_s
    from ended
    inner join sessions
        on
            sessions.opened_at < ended.end_utc
            and (sessions.closed_at is null or sessions.closed_at >= ended.end_utc)
    left join status_intervals
        on
            sessions.conversation_id = status_intervals.conversation_id
            and sessions.session_no = status_intervals.session_no
            and status_intervals.started_at < ended.end_utc
            and (
                status_intervals.ended_at is null
                or status_intervals.ended_at >= ended.end_utc
            )
    left join waits
        on
            sessions.conversation_id = waits.conversation_id
            and sessions.session_no = waits.session_no
)

select
    ended.date,
    count(open.conversation_id) as open_count,
    count(case when open.status = 100 then 1 end) as unassigned_count,
    count(case when open.status >= 200 then 1 end) as assigned_count,
    count(case when open.status = 150 then 1 end) as abandoned_count,
    count(case when open.is_pending then 1 end) as pending_count,
    count(case when open.is_unanswered then 1 end) as unanswered_count,
    percentile_cont(0.5) within group (order by open.age_s) as age_p50_s,
    max(open.age_s) as age_max_s,
    covered.coverage_ratio
from ended
left join covered
    on ended.date = covered.date
left join open
    on ended.date = open.date
group by ended.date, covered.coverage_ratio
order by ended.date asc nulls last
