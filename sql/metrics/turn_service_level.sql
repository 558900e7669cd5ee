-- turn_service_level: Which share of the agents' replies came within the target.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the agent's message
-- units: counts; ratio 0 to 1
-- params: reply_target_s
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: response_time
-- follows: Genesys service level, for every reply
-- caveat: a last turn of the visitor without a reply is not in it; live channels only
-- edge: a reply counts for whoever wrote it, also after a transfer; no reply spans a reopening
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   response_count: replies to a visitor's turn
--   in_time_count: those that took no longer than the target
--   service_level_ratio: the share
--   coverage_ratio: for how much of the time a recorder vouches
with counted as (
    select
        cells.date,
        cells.slice,
        cells.coverage_ratio,
        count(measured.fact) as response_count,
        count(case when measured.seconds <= params.reply_target_s then 1 end) as in_time_count
    from cells
    cross join params
    left join measured
        on cells.cell = measured.cell and measured.fact = 'response_time'
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    response_count,
    in_time_count,
    cast(in_time_count as double) / nullif(response_count, 0) as service_level_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
