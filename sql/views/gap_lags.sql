-- gap_lags: How late, at worst, a recorder received what came in the minute before a gap.
-- grain: one row a recorder and instant at which gaps begin
-- columns:
--   recorder: whose
--   since: last sign of life before the gap, by the recorder's clock
--   lag_us: microseconds from the server's time to ours; null if nothing came
with starts as (
    select distinct
        recorder,
        since
    from gap_reports
),

lags as (
    select
        recorder,
        received_at,
        unix_micros(received_at) - unix_micros(coalesce(updated_at, created_at)) as lag_us
    from events
    where
        kind in ('request', 'message', 'agent')
        and source = 'realtime'
        and not is_snapshot
)

select
    starts.recorder,
    starts.since,
    max(lags.lag_us) as lag_us
from starts
left join lags
    on
        starts.recorder = lags.recorder
        and lags.received_at > starts.since - interval '1' minute
        and lags.received_at <= starts.since
group by starts.recorder, starts.since
