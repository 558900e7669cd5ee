-- gaps: Times in which something may be missing, and why.
-- grain: one row a gap of a recorder, of the whole project or of one topic
-- columns:
--   recorder: whose
--   topic: null for the whole project
--   since: last sign of life before it, by the recorder's clock
--   starts_at: the same by the server's clock: earlier by the worst lag of the minute before
--   until: the snapshot that ended it; null while it lasts
--   why: what the recorder saw
select
    gap_reports.recorder,
    gap_reports.topic,
    gap_reports.since,
    gap_reports.since
    - greatest(coalesce(gap_lags.lag_us, 0), 0) / 1e6 * interval '1' second
        as starts_at,
    case when gap_reports.until <= params.now_utc then gap_reports.until end as until,
    gap_reports.why
from gap_reports
cross join params
left join gap_lags
    on gap_reports.recorder = gap_lags.recorder and gap_reports.since = gap_lags.since
where gap_reports.since < params.now_utc
