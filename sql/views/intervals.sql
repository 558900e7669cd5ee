-- intervals: The intervals of the local clock by which a desk is staffed.
-- grain: one row an interval of the window; those of an hour that the clock repeats come twice
-- columns:
--   date: the local day
--   weekday: 1 Monday to 7
--   minute: where it begins, minutes after local midnight by the clock
--   since: its first instant
--   until: the first instant after it
--   covered_s: for how much of it, up to now, a recorder vouches
--   coverage_ratio: the share of the whole interval
with clocked as (
    select
        quarters.*,
        from_utc_timestamp(quarters.since, params.tz) as local_at,
        params.interval_minutes
    from quarters
    cross join params
),

named as (
    select
        date,
        weekday,
        since,
        until,
        unix_micros(local_at) - unix_micros(since) as offset_us,
        cast(
            floor((hour(local_at) * 60 + minute(local_at)) / nullif(interval_minutes, 0))
            * interval_minutes as bigint
        ) as minute
    from clocked
),

whole as (
    select
        date,
        weekday,
        minute,
        min(since) as since,
        max(until) as until
    from named
    group by date, weekday, minute, offset_us
),

covered as (
    select
        whole.since,
        sum(
            unix_micros(least(whole.until, coverage.until, params.now_utc))
            - unix_micros(greatest(whole.since, coverage.since))
        ) as covered_us
    from whole
    cross join params
    inner join coverage
        on
            coverage.since < least(whole.until, params.now_utc)
            and coverage.until > whole.since
    group by whole.since
)

select
    whole.date,
    whole.weekday,
    whole.minute,
    whole.since,
    whole.until,
    cast(coalesce(covered.covered_us, 0) / 1e6 as double) as covered_s,
    cast(coalesce(covered.covered_us, 0) as double)
    / nullif(unix_micros(whole.until) - unix_micros(whole.since), 0) as coverage_ratio
from whole
left join covered
    on whole.since = covered.since
