-- arrivals_by_hour: How many chats began in each hour of the day.
-- grain: one row a local hour of the day, over the whole window
-- anchor: opened_at of the session
-- units: counts; hours; chats an hour
-- params: tz, now_utc
-- caveat: an hour that a day has twice counts twice as exposure, one that it lacks not at all
-- columns:
--   hour: 0 to 23, local
--   sessions_count: openings
--   exposure_h: hours of this name in the window, up to now, for which the archive has coverage
--   arrivals_per_h: openings in covered time for each hour of exposure; null without exposure
with digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (n)
),

hours as (
    select tens.n * 10 + ones.n as hour
    from digits as tens
    cross join digits as ones
    where tens.n * 10 + ones.n < 24
),

-- Quarters, because some time zones are off by 30 or 45 minutes; a day has at most 100 of them.
quarters as (
    select
        days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute as since,
        least(
            days.start_utc + (tens.n * 10 + ones.n + 1) * interval '15' minute,
            days.end_utc,
            params.now_utc
        ) as until,
        hour(
            from_utc_timestamp(
                days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute, params.tz
            )
        ) as hour
    from days
    cross join digits as tens
    cross join digits as ones
    cross join params
    where
        days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute < days.end_utc
        and days.start_utc + (tens.n * 10 + ones.n) * interval '15' minute < params.now_utc
),

exposures as (
    select
        quarters.hour,
        sum(
            unix_micros(least(quarters.until, coverage.until))
            - unix_micros(greatest(quarters.since, coverage.since))
        ) / 3.6e9 as exposure_h
    from quarters
    inner join coverage
        on coverage.since < quarters.until and coverage.until > quarters.since
    group by quarters.hour
),

arrivals as (
    select
        hour(from_utc_timestamp(sessions.opened_at, params.tz)) as hour,
        case when max(coverage.since) is null then 0 else 1 end as is_covered
    from sessions
    cross join params
    inner join days
        on sessions.opened_at >= days.start_utc and sessions.opened_at < days.end_utc
    left join coverage
        on sessions.opened_at >= coverage.since and sessions.opened_at <= coverage.until
    group by sessions.conversation_id, sessions.session_no, sessions.opened_at, params.tz
),

counted as (
    select
        hour,
        count(*) as sessions_count,
        cast(sum(is_covered) as bigint) as covered_count
    from arrivals
    group by hour
)

select
    cast(hours.hour as bigint) as hour,
    coalesce(counted.sessions_count, 0) as sessions_count,
    cast(coalesce(exposures.exposure_h, 0) as double) as exposure_h,
    coalesce(counted.covered_count, 0) / nullif(cast(exposures.exposure_h as double), 0)
        as arrivals_per_h
from hours
left join counted
    on hours.hour = counted.hour
left join exposures
    on hours.hour = exposures.hour
order by hours.hour asc nulls last
