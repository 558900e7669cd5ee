-- uncovered: The times of the window, up to now, for which no recorder vouches.
-- grain: one row an uninterrupted interval
-- columns:
--   since: first instant
--   until: last instant
--   why: what the first gap row says that overlaps it; null if none does
with edges as (
    select
        start_utc as since,
        start_utc as until
    from params
    union all
    select
        least(end_utc, now_utc) as since,
        least(end_utc, now_utc) as until
    from params
    union all
    select
        greatest(coverage.since, params.start_utc) as since,
        least(coverage.until, params.end_utc, params.now_utc) as until
    from coverage
    cross join params
    where
        coverage.until > params.start_utc
        and coverage.since < least(params.end_utc, params.now_utc)
),

holes as (
    select
        until as since,
        lead(since) over (order by since asc, until asc) as until
    from edges
),

reasons as (
    select
        holes.since,
        gaps.why,
        row_number() over (
            partition by holes.since
            order by gaps.since asc, gaps.recorder asc, gaps.why asc nulls last
        ) as rank
    from holes
    inner join gaps
        on
            gaps.since < holes.until
            and (gaps.until is null or gaps.until > holes.since)
    where gaps.topic is null
)

select
    holes.since,
    holes.until,
    reasons.why
from holes
left join reasons
    on holes.since = reasons.since and reasons.rank = 1
where holes.since < holes.until
