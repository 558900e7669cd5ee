-- active_duration: How long was talked in closed chats: long silences count as short ones.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: seconds
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: active_duration
-- follows: Intercom adjusted handling time
-- caveat: a silence longer than the pause limit counts as so much, and so does the idle tail
-- edge: messages missed in a gap look like a silence; each session counts; bots talk too
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   closed_count: closed sessions in which something was said
--   p50_s: median
--   p90_s: nine in ten were no longer
--   p95_s: nineteen in twenty were no longer
--   mean_s: mean
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(measured.fact) as closed_count,
    percentile_cont(0.5) within group (order by measured.value) as p50_s,
    percentile_cont(0.9) within group (order by measured.value) as p90_s,
    percentile_cont(0.95) within group (order by measured.value) as p95_s,
    avg(measured.value) as mean_s,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'active_duration'
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
