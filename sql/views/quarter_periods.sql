-- quarter_periods: Which periods a quarter of an hour belongs to.
-- grain: one row a quarter and period
-- caveat: an instant finds its periods by its number; to compare it with each of a year's takes long
-- columns:
--   quarter_no: how many quarters it is after the first of 1970
--   date: the local day; null for the whole window
--   bucket: what the period is broken down by; else null
select
    quarters.quarter_no,
    periods.date,
    periods.bucket
from periods
inner join quarters
    on quarters.since >= periods.start_utc and quarters.since < periods.end_utc
