-- unassigned_share: Which share of the chats that needed a human had no agent for over a minute.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: requested_at, when a human was first needed
-- units: counts; ratio 0 to 1
-- params: now_utc
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: requested
-- follows: Tiledesk's unserved chats (status 100)
-- caveat: departments whose agents pick chats themselves have many by design: see queue_time
-- edge: all times without an agent count together, also those between two agents
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   requested_count: chats that needed a human
--   unassigned_count: those assigned to nobody for more than 60 s from then on
--   unassigned_ratio: share of those
--   coverage_ratio: for how much of the time a recorder vouches
with unassigned as (
    select
        waits.conversation_id,
        waits.session_no
    from waits
    cross join params
    inner join status_intervals
        on
            waits.conversation_id = status_intervals.conversation_id
            and waits.session_no = status_intervals.session_no
            and (
                status_intervals.ended_at is null
                or status_intervals.ended_at > waits.requested_at
            )
    where status_intervals.status = 100
    group by waits.conversation_id, waits.session_no
    having sum(
        unix_micros(coalesce(status_intervals.ended_at, params.now_utc))
        - unix_micros(greatest(status_intervals.started_at, waits.requested_at))
    ) > 60e6
)

select
    cells.date,
    cells.slice,
    count(measured.fact) as requested_count,
    count(unassigned.conversation_id) as unassigned_count,
    count(unassigned.conversation_id) / nullif(cast(count(measured.fact) as double), 0)
        as unassigned_ratio,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact = 'requested'
left join unassigned
    on
        measured.conversation_id = unassigned.conversation_id
        and measured.session_no = unassigned.session_no
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
