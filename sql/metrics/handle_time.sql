-- handle_time: How much of agents' time closed chats took.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: seconds
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: handle_elapsed, handle_active, handle_focus
-- follows: Genesys average handle time; Intercom handling time
-- caveat: closed chats that an agent had; several agents at once add up; without wrap-up
-- edge: all agents of a transferred chat add up; each opening counts; a bot's time does not
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   handled_count: closed sessions that an agent had
--   elapsed_p50_s: from getting a chat to its end, median
--   elapsed_p90_s: nine in ten took no longer
--   elapsed_mean_s: mean
--   active_p50_s: without what silences last longer than the pause limit, median
--   active_p90_s: nine in ten took no longer
--   active_mean_s: mean
--   focus_p50_s: the time shared out among all chats that the agent had at once, median
--   focus_p90_s: nine in ten took no longer
--   focus_mean_s: mean
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(case when measured.fact = 'handle_elapsed' then 1 end) as handled_count,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'handle_elapsed' then measured.value end
    ) as elapsed_p50_s,
    percentile_cont(0.9) within group (
        order by case when measured.fact = 'handle_elapsed' then measured.value end
    ) as elapsed_p90_s,
    avg(case when measured.fact = 'handle_elapsed' then measured.value end) as elapsed_mean_s,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'handle_active' then measured.value end
    ) as active_p50_s,
    percentile_cont(0.9) within group (
        order by case when measured.fact = 'handle_active' then measured.value end
    ) as active_p90_s,
    avg(case when measured.fact = 'handle_active' then measured.value end) as active_mean_s,
    percentile_cont(0.5) within group (
        order by case when measured.fact = 'handle_focus' then measured.value end
    ) as focus_p50_s,
    percentile_cont(0.9) within group (
        order by case when measured.fact = 'handle_focus' then measured.value end
    ) as focus_p90_s,
    avg(case when measured.fact = 'handle_focus' then measured.value end) as focus_mean_s,
    cells.coverage_ratio
from cells
left join measured
    on
        cells.cell = measured.cell
        and measured.fact in ('handle_elapsed', 'handle_active', 'handle_focus')
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
