-- uncovered: The times of the window, up to now, for which no recorder vouches.
-- grain: one row an uninterrupted interval
-- columns:
--   since: first instant
--   until: last instant
--   why: what the first gap row says that overlaps it; null if none does
with clipped as (
    select
        greatest(coverage.since, params.start_utc) as since,
        least(coverage.until, params.end_utc, params.now_utc) as until
    from coverage
    cross join params
    where
        coverage.until > params.start_utc
        and coverage.since < least(params.end_utc, params.now_utc)
),

before_each as (
    select
        coalesce(lag(clipped.until) over (order by clipped.since asc), params.start_utc) as since,
        clipped.since as until
    from clipped
    cross join params
),

after_all as (
    select
        coalesce(max(clipped.until), max(params.start_utc)) as since,
        least(max(params.end_utc), max(params.now_utc)) as until
    from params
    left join clipped
        on clipped.since is not null
),

missing as (
    select
        since,
        until
    from before_each
    union all
    select
        since,
        until
    from after_all
),

reasons as (
    select
        missing.since,
        gaps.why,
        row_number() over (
            partition by missing.since
            order by gaps.since asc, gaps.recorder asc, gaps.why asc nulls last
        ) as rank
    from missing
    inner join gaps
        on
            gaps.since < missing.until
            and (gaps.until is null or gaps.until > missing.since)
    where gaps.topic is null and missing.since < missing.until
)

select
    missing.since,
    missing.until,
    reasons.why
from missing
left join reasons
    on missing.since = reasons.since and reasons.rank = 1
where missing.since < missing.until
