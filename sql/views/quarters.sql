-- quarters: The quarters of an hour of the window, and how the local clock names them.
-- grain: one row a quarter; those of an hour that the clock repeats come twice
-- caveat: quarters, because some time zones are off by 30 or 45 minutes
-- columns:
--   date: the local day
--   weekday: 1 Monday to 7
--   hour: 0 to 23, local
--   since: its first instant
--   until: the first instant after it
--   quarter_no: how many quarters it is after the first of 1970
with digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (n)
),

-- A day has at most 100 of them.
counted as (
    select
        days.date,
        days.weekday,
        days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute as since,
        days.start_utc + (tens.n * 10 + ones.n + 1) * interval '15' minute as until,
        days.end_utc,
        params.tz
    from days
    cross join params
    cross join digits as tens
    cross join digits as ones
)

select
    date,
    weekday,
    hour(from_utc_timestamp(since, tz)) as hour,
    since,
    least(until, end_utc) as until,
    cast(floor(unix_micros(since) / 9e8) as bigint) as quarter_no
from counted
where since < end_utc
