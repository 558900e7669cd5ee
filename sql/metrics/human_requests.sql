-- human_requests: How many chats needed a human, and which share of those that began.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: requested_at, when a human was first needed; for the share, opened_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: opened, requested
-- follows: Chatwoot hand-off
-- caveat: without a bot a chat needs a human from the visitor's first message on
-- edge: each opening counts; a transfer is no new request; a chat with a bot only needs none
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   requested_count: chats that needed a human from then on
--   opened_count: chats that began
--   requested_ratio: share of those that began which ever needed a human; null if none began
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    count(case when measured.fact = 'requested' then 1 end) as requested_count,
    count(case when measured.fact = 'opened' then 1 end) as opened_count,
    count(case when measured.fact = 'opened' then waits.requested_at end)
    / nullif(cast(count(case when measured.fact = 'opened' then 1 end) as double), 0)
        as requested_ratio,
    cells.coverage_ratio
from cells
left join measured
    on cells.cell = measured.cell and measured.fact in ('opened', 'requested')
left join waits
    on
        measured.conversation_id = waits.conversation_id
        and measured.session_no = waits.session_no
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
