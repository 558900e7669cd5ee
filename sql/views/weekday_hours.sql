-- weekday_hours: The hours of the week: how long the window had them, and what began in them.
-- grain: one row a weekday of the window and hour of the local clock
-- columns:
--   weekday: 1 Monday to 7
--   hour: 0 to 23
--   sessions_count: openings
--   covered_count: those of them for whose instant a recorder vouches
--   elapsed_h: how many of such hours the window had, up to now
--   covered_h: for how many of them a recorder vouches
with digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (n)
),

named as (
    select distinct
        days.weekday,
        tens.n * 10 + ones.n as hour
    from days
    cross join digits as tens
    cross join digits as ones
    where tens.n * 10 + ones.n < 24
),

lived as (
    select
        quarters.weekday,
        quarters.hour,
        quarters.since,
        least(quarters.until, params.now_utc) as until
    from quarters
    cross join params
    where quarters.since < params.now_utc
),

elapsed as (
    select
        weekday,
        hour,
        sum(unix_micros(until) - unix_micros(since)) as elapsed_us
    from lived
    group by weekday, hour
),

covered as (
    select
        lived.weekday,
        lived.hour,
        sum(
            unix_micros(least(lived.until, coverage.until))
            - unix_micros(greatest(lived.since, coverage.since))
        ) as covered_us
    from lived
    inner join coverage
        on coverage.since < lived.until and coverage.until > lived.since
    group by lived.weekday, lived.hour
),

arrivals as (
    select
        quarters.weekday,
        quarters.hour,
        count(*) as sessions_count,
        count(coverage.since) as covered_count
    from sessions
    inner join quarters
        on floor(unix_micros(sessions.opened_at) / 9e8) = quarters.quarter_no
    left join coverage
        on sessions.opened_at >= coverage.since and sessions.opened_at <= coverage.until
    group by quarters.weekday, quarters.hour
)

select
    cast(named.weekday as bigint) as weekday,
    cast(named.hour as bigint) as hour,
    coalesce(arrivals.sessions_count, 0) as sessions_count,
    coalesce(arrivals.covered_count, 0) as covered_count,
    cast(coalesce(elapsed.elapsed_us, 0) / 3.6e9 as double) as elapsed_h,
    cast(coalesce(covered.covered_us, 0) / 3.6e9 as double) as covered_h
from named
left join elapsed
    on named.weekday = elapsed.weekday and named.hour = elapsed.hour
left join covered
    on named.weekday = covered.weekday and named.hour = covered.hour
left join arrivals
    on named.weekday = arrivals.weekday and named.hour = arrivals.hour
