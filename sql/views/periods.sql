-- periods: The times that a report has rows for: local days, or their hours, and the whole window.
-- grain: one row an uninterrupted interval of a date and bucket
-- columns:
--   date: the local day; null for the whole window, which has rows if it has several days
--   bucket: the hour (`00` to `23`) or weekday (`1` Monday to `7`) if broken down by it; else null
--   start_utc: its first instant
--   end_utc: the first instant after it
-- An hour that a day has twice is one of two hours: the second follows the first.
with hours as (
    select
        quarters.date,
        lpad(cast(quarters.hour as string), 2, '0') as bucket,
        min(quarters.since) as start_utc,
        max(quarters.until) as end_utc
    from quarters
    cross join params
    where params.breakdown = 'hour'
    group by quarters.date, quarters.hour
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
