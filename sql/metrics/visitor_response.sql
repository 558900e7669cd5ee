-- visitor_response: How long visitors took to reply to an agent.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the visitor's message
-- units: seconds
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: visitor_response
-- follows: Salesforce chat transcript, visitor response time
-- caveat: from the first message of the agent's turn; live channels only
-- edge: the agent is who began the turn; no reply spans a reopening
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   response_count: replies to an agent's turn
--   p50_s: median
--   p90_s: nine in ten took no longer
--   p95_s: nineteen in twenty took no longer
--   mean_s: mean
--   p50_bh_s: median, opening hours only; null if none are given
--   p90_bh_s: nine in ten took no longer, opening hours only
--   mean_bh_s: mean, opening hours only
--   uncertain_count: replies not in these times, because it began or ended in a gap
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(measured.fact) as response_count,
    percentile_cont(0.5) within group (order by measured.seconds) as p50_s,
    percentile_cont(0.9) within group (order by measured.seconds) as p90_s,
    percentile_cont(0.95) within group (order by measured.seconds) as p95_s,
    avg(measured.seconds) as mean_s,
    percentile_cont(0.5) within group (order by measured.open_seconds) as p50_bh_s,
    percentile_cont(0.9) within group (order by measured.open_seconds) as p90_bh_s,
    avg(measured.open_seconds) as mean_bh_s,
    count(case when measured.is_uncertain then 1 end) as uncertain_count,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'visitor_response'
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
