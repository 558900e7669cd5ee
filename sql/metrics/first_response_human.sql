-- first_response_human: How long visitors waited for the first human reply, once a human was needed.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: answered_at
-- units: seconds
-- caveat: answered waits only; the time with a bot is not in it; live channels only
-- columns:
--   date: the local day
--   answered_count: first replies
--   p50_s: median
--   p90_s: nine in ten waited no longer
--   p95_s: nineteen in twenty waited no longer
--   mean_s: mean
with waited as (
    select
        answered_at as anchor_at,
        (unix_micros(answered_at) - unix_micros(requested_at)) / 1e6 as wait_s
    from waits
    where is_waiting and answered_at is not null
)

select
    periods.date,
    count(waited.wait_s) as answered_count,
    percentile_cont(0.5) within group (order by waited.wait_s) as p50_s,
    percentile_cont(0.9) within group (order by waited.wait_s) as p90_s,
    percentile_cont(0.95) within group (order by waited.wait_s) as p95_s,
    avg(waited.wait_s) as mean_s
from periods
left join waited
    on waited.anchor_at >= periods.start_utc and waited.anchor_at < periods.end_utc
group by periods.date
order by periods.date asc nulls last
