-- cells: The rows that an answer has: a day, or the whole window, and a slice of it.
-- grain: one row a date and slice
-- columns:
--   cell: its key: date and slice in one text
--   date: the local day; null for the whole window
--   slice: the hour, weekday, agent or trait that the answer is broken down by; else null
--   elapsed_s: how much of it is over
--   covered_s: for how much of that a recorder vouches
--   coverage_ratio: the share; null before it begins
with elapsed as (
    select
        periods.date,
        periods.bucket,
        periods.start_utc as since,
        least(periods.end_utc, params.now_utc) as until
    from periods
    cross join params
),

covered as (
    select
        elapsed.date,
        elapsed.bucket,
        elapsed.since,
        greatest(unix_micros(max(elapsed.until)) - unix_micros(elapsed.since), 0) as elapsed_us,
        coalesce(
            sum(
                case
                    when coverage.since is not null
                        then
                            unix_micros(least(coverage.until, elapsed.until))
                            - unix_micros(greatest(coverage.since, elapsed.since))
                end
            ),
            0
        ) as covered_us
    from elapsed
    left join coverage
        on coverage.since < elapsed.until and coverage.until > elapsed.since
    group by elapsed.date, elapsed.bucket, elapsed.since
),

summed as (
    select
        date,
        bucket,
        cast(sum(elapsed_us) as double) as elapsed_us,
        cast(sum(covered_us) as double) as covered_us
    from covered
    group by date, bucket
)

select
    coalesce(cast(summed.date as string), '') || '|' || coalesce(summed.bucket, slices.slice, '')
        as cell,
    summed.date,
    coalesce(summed.bucket, slices.slice) as slice,
    slices.agent_id,
    summed.elapsed_us / 1e6 as elapsed_s,
    summed.covered_us / 1e6 as covered_s,
    summed.covered_us / nullif(summed.elapsed_us, 0) as coverage_ratio
from summed
cross join slices
