-- abandonment: How many visitors left, or fell silent, before a human replied.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the close, or when the chat had been idle for the limit; of requests, requested_at
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: abandoned, requested
-- follows: Amazon Connect abandoned; Zendesk missed chats
-- caveat: live channels only; an idle chat that is answered after all counts no more
-- edge: each opening counts by itself; who was handed on without a reply was with an agent
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   requested_count: chats that needed a human, by when they did
--   abandoned_queue_count: those that ended without a reply before an agent had them
--   abandoned_assigned_count: those that ended without a reply while or after an agent had them
--   agent_closed_count: of the latter, those that an agent closed
--   idle_count: of all, those that are open, but without a word for the idle limit
--   abandoned_ratio: abandoned ones, for each one that needed a human; null without any
--   coverage_ratio: for how much of the time a recorder vouches
with counted as (
    select
        cells.date,
        cells.slice,
        count(
            case when measured.fact = 'requested' and measured.detail = 'waiting' then 1 end
        ) as requested_count,
        count(case when measured.fact = 'abandoned' then 1 end) as abandoned_count,
        count(
            case when measured.fact = 'abandoned' and measured.detail = 'queue' then 1 end
        ) as abandoned_queue_count,
        count(
            case when measured.fact = 'abandoned' and measured.detail = 'assigned' then 1 end
        ) as abandoned_assigned_count,
        count(
            case
                when
                    measured.fact = 'abandoned'
                    and measured.detail = 'assigned'
                    and outcomes.close_reason = 'agent'
                    then 1
            end
        ) as agent_closed_count,
        count(
            case when measured.fact = 'abandoned' and outcomes.close_reason is null then 1 end
        ) as idle_count,
        cells.coverage_ratio
    from cells
    left join measured
        on cells.cell = measured.cell and measured.fact in ('abandoned', 'requested')
    left join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    requested_count,
    abandoned_queue_count,
    abandoned_assigned_count,
    agent_closed_count,
    idle_count,
    cast(abandoned_count as double) / nullif(requested_count, 0) as abandoned_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
