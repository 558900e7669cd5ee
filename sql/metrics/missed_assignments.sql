-- missed_assignments: How often a chat went from an agent who had not written a word in it.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the end of the assignment
-- units: counts; ratio 0 to 1; seconds
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: assignment_ended
-- follows: Amazon Connect agent non-response; Zendesk missed
-- caveat: what ended because the chat was closed is not missed, even without a word
-- edge: each assignment counts, so one chat may be missed by several; a note is no word
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   missed_count: those in which the agent wrote nothing before the chat went from him
--   assigned_count: assignments that ended
--   missed_ratio: share of the missed
--   p50_s: how long the missed lasted, median
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(case when measured.detail = 'missed' then 1 end) as missed_count,
    count(measured.fact) as assigned_count,
    count(case when measured.detail = 'missed' then 1 end)
    / nullif(cast(count(measured.fact) as double), 0) as missed_ratio,
    percentile_cont(0.5) within group (
        order by case when measured.detail = 'missed' then measured.seconds end
    ) as p50_s,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'assignment_ended'
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
