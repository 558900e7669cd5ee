-- queue_time: How long chats that needed a human waited until an agent had them.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: requested_at, when a human was first needed
-- units: seconds
-- caveat: zero when assigned at once; a chat closed in the queue waited until its close
-- columns:
--   date: the local day
--   requested_count: chats that needed a human
--   left_count: those closed before an agent had them
--   waiting_count: those still in the queue, not in the percentiles
--   p50_s: median
--   p90_s: nine in ten waited no longer
--   p95_s: nineteen in twenty waited no longer
--   mean_s: mean
with queued as (
    select
        requested_at,
        accepted_at is null and closed_at is not null as has_left,
        accepted_at is null and closed_at is null as is_waiting,
        (unix_micros(coalesce(accepted_at, closed_at)) - unix_micros(requested_at)) / 1e6
            as wait_s
    from waits
    where is_waiting
)

select
    periods.date,
    count(queued.requested_at) as requested_count,
    count(case when queued.has_left then 1 end) as left_count,
    count(case when queued.is_waiting then 1 end) as waiting_count,
    percentile_cont(0.5) within group (order by queued.wait_s) as p50_s,
    percentile_cont(0.9) within group (order by queued.wait_s) as p90_s,
    percentile_cont(0.95) within group (order by queued.wait_s) as p95_s,
    avg(queued.wait_s) as mean_s
from periods
left join queued
    on queued.requested_at >= periods.start_utc and queued.requested_at < periods.end_utc
group by periods.date
order by periods.date asc nulls last
