-- periods: The times that a report has rows for: local days, or their hours, and the whole window.
-- grain: one row an uninterrupted interval of a date and bucket
-- columns:
--   date: the local day; null for the whole window, which has rows of its own if it has several days
--   bucket: the hour (`00` to `23`) or the weekday (`1` Monday to `7`) if broken down by it; else null
--   start_utc: its first instant
--   end_utc: the first instant after it
with digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (n)
),

-- Quarters, because some time zones are off by 30 or 45 minutes; a day has at most 100 of them.
quarters as (
    select
        days.date,
        days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute as start_utc,
        least(
            days.start_utc + (tens.n * 10 + ones.n + 1) * interval '15' minute, days.end_utc
        ) as end_utc,
        params.tz
    from days
    cross join params
    cross join digits as tens
    cross join digits as ones
    where
        params.breakdown = 'hour'
        and days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute < days.end_utc
),

-- An hour that a day has twice is one of two hours: the second follows the first.
hours as (
    select
        date,
        lpad(cast(hour(from_utc_timestamp(start_utc, tz)) as string), 2, '0') as bucket,
        min(start_utc) as start_utc,
        max(end_utc) as end_utc
    from quarters
    group by date, hour(from_utc_timestamp(start_utc, tz))
),

dated as (
    select
        date,
        bucket,
        start_utc,
        end_utc
    from hours
    union all
    select
        days.date,
        case when params.breakdown = 'weekday' then cast(days.weekday as string) end as bucket,
        days.start_utc,
        days.end_utc
    from days
    cross join params
    where params.breakdown is null or params.breakdown <> 'hour'
)

select
    date,
    bucket,
    start_utc,
    end_utc
from dated
union all
select
    cast(null as date) as date,
    dated.bucket,
    min(dated.start_utc) as start_utc,
    max(dated.end_utc) as end_utc
from dated
cross join (select count(*) as days_count from days) as counted
where counted.days_count > 1
group by
    dated.bucket,
    case when dated.bucket is not null then dated.start_utc end
