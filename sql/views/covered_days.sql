-- covered_days: The covered times of the report's rows, by the days (UTC) that each touches.
-- grain: one row a covered interval of a date and bucket, and day
-- caveat: a stretch finds them by its day; to compare it with each of a year's takes long
-- columns:
--   day_no: how many days it is after the first of 1970
--   date: the local day; null for the whole window
--   bucket: the hour or weekday, if broken down by it; else null
--   since: from
--   until: up to
with touched as (
    select distinct cast(floor(unix_micros(since) / 8.64e10) as bigint) as day_no
    from quarters
)

select
    touched.day_no,
    covered_periods.date,
    covered_periods.bucket,
    covered_periods.since,
    covered_periods.until
from covered_periods
inner join touched
    on
        touched.day_no >= floor(unix_micros(covered_periods.since) / 8.64e10)
        and touched.day_no * 8.64e10 < unix_micros(covered_periods.until)
