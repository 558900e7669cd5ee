-- session_duration: How long closed chats were open.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: seconds
-- caveat: includes the idle tail before an automatic close; openings not seen are left out
-- columns:
--   date: the local day
--   closed_count: closed sessions whose opening was seen
--   p50_s: median
--   p90_s: nine in ten were no longer
--   p95_s: nineteen in twenty were no longer
--   mean_s: mean
with lasted as (
    select
        closed_at,
        (unix_micros(closed_at) - unix_micros(opened_at)) / 1e6 as duration_s
    from sessions
    where opened_seen and closed_at is not null
)

select
    periods.date,
    count(lasted.duration_s) as closed_count,
    percentile_cont(0.5) within group (order by lasted.duration_s) as p50_s,
    percentile_cont(0.9) within group (order by lasted.duration_s) as p90_s,
    percentile_cont(0.95) within group (order by lasted.duration_s) as p95_s,
    avg(lasted.duration_s) as mean_s
from periods
left join lasted
    on lasted.closed_at >= periods.start_utc and lasted.closed_at < periods.end_utc
group by periods.date
order by periods.date asc nulls last
