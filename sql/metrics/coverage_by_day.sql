-- coverage_by_day: For how much of each day a recorder vouches.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: split: each second counts in the day in which it lies, up to now
-- units: seconds; ratio 0 to 1
-- params: now_utc
-- columns:
--   date: the local day
--   elapsed_s: how much of the day is over
--   covered_s: for how much of it everything was received
--   coverage_ratio: the share; null before the day begins
with elapsed as (
    select
        periods.date,
        periods.start_utc as since,
        least(periods.end_utc, params.now_utc) as until
    from periods
    cross join params
),

covered as (
    select
        elapsed.date,
        elapsed.since,
        elapsed.until,
        sum(
            case
                when coverage.since is not null
                    then
                        unix_micros(least(coverage.until, elapsed.until))
                        - unix_micros(greatest(coverage.since, elapsed.since))
            end
        ) as covered_us
    from elapsed
    left join coverage
        on coverage.since < elapsed.until and coverage.until > elapsed.since
    group by elapsed.date, elapsed.since, elapsed.until
)

select
    date,
    greatest((unix_micros(until) - unix_micros(since)) / 1e6, 0.0) as elapsed_s,
    cast(coalesce(covered_us, 0) / 1e6 as double) as covered_s,
    case
        when until > since
            then
                cast(coalesce(covered_us, 0) as double)
                / nullif(unix_micros(until) - unix_micros(since), 0)
    end as coverage_ratio
from covered
order by date asc nulls last
