-- patience_mean: How long visitors wait in the queue before they give up, on average.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: requested_at, when a human was first needed
-- units: seconds; counts
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: patience
-- follows: the estimator of Erlang A: all time waited, by those who gave up
-- caveat: as if patience were exponential; null under 30 who gave up; live channels only
-- edge: each opening counts; a transfer does not; a wait whose edge a gap hides is left out
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   waits_count: waits, also of those who were served or wait still
--   left_count: those that ended with the visitor giving up in the queue
--   wait_total_s: all of them together
--   patience_mean_s: mean patience
--   coverage_ratio: for how much of the time a recorder vouches
with summed as (
    select
        cells.date,
        cells.slice,
        cells.coverage_ratio,
        count(measured.seconds) as waits_count,
        count(case when measured.detail = 'left' then measured.seconds end) as left_count,
        sum(measured.seconds) as wait_total_s
    from cells
    left join measured
        on cells.cell = measured.cell and measured.fact = 'patience'
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    waits_count,
    left_count,
    wait_total_s,
    case when left_count >= 30 then wait_total_s / nullif(left_count, 0) end as patience_mean_s,
    coverage_ratio
from summed
order by date asc nulls last, slice asc nulls last
