-- close_reasons: Who closed the chats.
-- grain: one row a local day (and one for the whole window, date null) and reason
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Amazon Connect disconnect reason
-- caveat: the server tells the author after the close; until then the reason is unknown
-- edge: closed again after a reopening counts again, by its own author
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   close_reason: agent, visitor, bot, idle (automatic), trigger (a rule), system, unknown (untold)
--   sessions_count: closes
--   closed_ratio: share of the day's closes
--   coverage_ratio: for how much of the time a recorder vouches
with counted as (
    select
        cells.date,
        cells.slice,
        outcomes.close_reason,
        count(*) as sessions_count,
        cells.coverage_ratio
    from cells
    inner join measured
        on cells.cell = measured.cell and measured.fact = 'closed'
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    group by cells.date, cells.slice, outcomes.close_reason, cells.coverage_ratio
)

select
    date,
    slice,
    close_reason,
    sessions_count,
    sessions_count
    / nullif(cast(sum(sessions_count) over (partition by date, slice) as double), 0)
        as closed_ratio,
    coverage_ratio
from counted
order by
    date asc nulls last,
    slice asc nulls last,
    sessions_count desc nulls last,
    close_reason asc nulls last
