-- agent_handle_time: How long each agent had a chat: by the clock, active, and in focus.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the assignment's end
-- units: seconds
-- by: department, channel, hour, weekday
-- facts: assignment_elapsed, assignment_active, assignment_focus
-- follows: Genesys handle time; Intercom adjusted handling time
-- caveat: active: silences cut to the pause limit; focus: shared out among the chats had at once
-- edge: each assignment counts for its agent; set aside is no focus; edge lost in a gap: no figure
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   handled_count: assignments that ended
--   elapsed_p50_s: from start to end, median
--   elapsed_p90_s: nine in ten were no longer
--   elapsed_mean_s: mean
--   active_p50_s: without long silences, median
--   active_p90_s: nine in ten were no longer
--   active_mean_s: mean
--   focus_p50_s: the share of the agent's time, median
--   focus_p90_s: nine in ten were no longer
--   focus_mean_s: mean
--   coverage_ratio: for how much of the time a recorder vouches
with handled as (
    select
        cell,
        agent_id,
        fact,
        case when not is_uncertain then value end as value
    from measured
    where fact in ('assignment_elapsed', 'assignment_active', 'assignment_focus')
)

select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(case when handled.fact = 'assignment_elapsed' then 1 end) as handled_count,
    percentile_cont(0.5) within group (
        order by case when handled.fact = 'assignment_elapsed' then handled.value end
    ) as elapsed_p50_s,
    percentile_cont(0.9) within group (
        order by case when handled.fact = 'assignment_elapsed' then handled.value end
    ) as elapsed_p90_s,
    avg(case when handled.fact = 'assignment_elapsed' then handled.value end) as elapsed_mean_s,
    percentile_cont(0.5) within group (
        order by case when handled.fact = 'assignment_active' then handled.value end
    ) as active_p50_s,
    percentile_cont(0.9) within group (
        order by case when handled.fact = 'assignment_active' then handled.value end
    ) as active_p90_s,
    avg(case when handled.fact = 'assignment_active' then handled.value end) as active_mean_s,
    percentile_cont(0.5) within group (
        order by case when handled.fact = 'assignment_focus' then handled.value end
    ) as focus_p50_s,
    percentile_cont(0.9) within group (
        order by case when handled.fact = 'assignment_focus' then handled.value end
    ) as focus_p90_s,
    avg(case when handled.fact = 'assignment_focus' then handled.value end) as focus_mean_s,
    cells.coverage_ratio
from cells
inner join handled
    on cells.cell = handled.cell
inner join agents
    on handled.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
