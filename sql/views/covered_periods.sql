-- covered_periods: The times of the report's rows for which a recorder vouches.
-- grain: one row an uninterrupted interval of a date and bucket
-- columns:
--   date: the local day; null for the whole window
--   bucket: the hour or weekday, if broken down by it; else null
--   since: from
--   until: up to
select
    periods.date,
    periods.bucket,
    greatest(periods.start_utc, coverage.since) as since,
    least(periods.end_utc, coverage.until) as until
from periods
inner join coverage
    on coverage.since < periods.end_utc and coverage.until > periods.start_utc
