-- service_level: Which share of the chats that needed a human got a first reply within the target.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: requested_at, when a human was first needed
-- units: counts; ratio 0 to 1
-- params: answer_target_s, short_wait_s, service_base
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: service_level
-- follows: Genesys service level
-- caveat: who waits still, but less than the target, is in neither; live channels only
-- edge: each opening counts; transfers do not; a wait whose edge a gap hides is not in the share
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   answered_count: chats that got a reply
--   in_time_count: those that got it within the target
--   abandoned_count: chats closed, or left idle, without a reply
--   short_count: those that were abandoned too soon to count
--   overdue_count: chats that wait still, longer than the target
--   base_count: what it is a share of
--   service_level_ratio: the share
--   coverage_ratio: for how much of the time a recorder vouches
with judged as (
    select
        measured.cell,
        measured.detail,
        case
            when measured.is_uncertain then 'uncertain'
            when measured.detail = 'answered' and measured.seconds <= params.answer_target_s
                then 'in_time'
            when measured.detail = 'abandoned' and measured.seconds < params.short_wait_s
                then 'short'
            when measured.detail = 'waiting' and measured.seconds > params.answer_target_s
                then 'overdue'
            when measured.detail = 'waiting'
                then 'early'
            else 'late'
        end as verdict,
        params.service_base
    from measured
    cross join params
    where measured.fact = 'service_level'
),

counted as (
    select
        cells.date,
        cells.slice,
        cells.coverage_ratio,
        count(case when judged.detail = 'answered' then 1 end) as answered_count,
        count(case when judged.verdict = 'in_time' then 1 end) as in_time_count,
        count(case when judged.detail = 'abandoned' then 1 end) as abandoned_count,
        count(case when judged.verdict = 'short' then 1 end) as short_count,
        count(case when judged.verdict = 'overdue' then 1 end) as overdue_count,
        count(
            case
                when judged.verdict in ('uncertain', 'early') then null
                when judged.verdict = 'short' and judged.service_base = 'answered' then null
                when judged.detail = 'abandoned' and judged.service_base = 'no-abandon' then null
                else judged.verdict
            end
        ) as base_count
    from cells
    left join judged
        on cells.cell = judged.cell
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    answered_count,
    in_time_count,
    abandoned_count,
    short_count,
    overdue_count,
    base_count,
    cast(in_time_count as double) / nullif(base_count, 0) as service_level_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
