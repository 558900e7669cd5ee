-- reopen_rate: Which share of the closed chats was opened again within seven days.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- params: now_utc
-- by: agent, department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Intercom reopens
-- caveat: until seven days have passed the share can only grow; by agent, who closed it
-- edge: each close counts; a reopening that a gap hides is not seen
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   closed_count: closes
--   reopened_count: those after which the chat was opened again within seven days
--   reopened_ratio: share of those
--   is_provisional: seven days have not passed yet since the last instant of the row
--   coverage_ratio: for how much of the time a recorder vouches
with ends as (
    select
        periods.date,
        periods.bucket,
        max(periods.end_utc) + interval '7' day > max(params.now_utc) as is_provisional
    from periods
    cross join params
    group by periods.date, periods.bucket
)

select
    cells.date,
    cells.slice,
    count(measured.fact) as closed_count,
    count(case when outcomes.is_reopened then 1 end) as reopened_count,
    count(case when outcomes.is_reopened then 1 end)
    / nullif(cast(count(measured.fact) as double), 0) as reopened_ratio,
    ends.is_provisional,
    cells.coverage_ratio
from cells
inner join ends
    on
        (cells.date = ends.date or (cells.date is null and ends.date is null))
        and (ends.bucket is null or cells.slice = ends.bucket)
left join measured
    on cells.cell = measured.cell and measured.fact = 'closed'
left join outcomes
    on
        measured.conversation_id = outcomes.conversation_id
        and measured.session_no = outcomes.session_no
group by cells.date, cells.slice, ends.is_provisional, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
