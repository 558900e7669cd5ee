-- deferred_work: How much work came on channels where people answer when they can.
-- grain: one row a local day (and one for the whole window, date null) and channel
-- anchor: opened_at of the session; the assignment's end for its time
-- units: counts; seconds
-- by: department, hour, weekday
-- facts: opened, assignment_active
-- caveat: active time: a silence counts as the pause limit at most; two agents count twice
-- follows: workload hours of deferred work in workforce planning, as no queue formula fits it
-- edge: a reopening counts again; a transfer adds the time of both
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   channel: e-mail, form, WhatsApp, SMS, …
--   sessions_count: openings
--   assignments_count: stretches of agents that ended
--   active_s: their active time
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    conversations.channel,
    count(case when measured.fact = 'opened' then 1 end) as sessions_count,
    count(case when measured.fact = 'assignment_active' then 1 end) as assignments_count,
    coalesce(sum(case when measured.fact = 'assignment_active' then measured.value end), 0)
        as active_s,
    cells.coverage_ratio
from cells
inner join measured
    on cells.cell = measured.cell
inner join conversations
    on measured.conversation_id = conversations.conversation_id
where
    measured.fact in ('opened', 'assignment_active')
    and conversations.channel_class <> 'live'
group by cells.date, cells.slice, conversations.channel, cells.coverage_ratio
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    conversations.channel asc nulls last
