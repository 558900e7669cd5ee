-- one_touch: Which share of the chats needed no more than one reply of an agent.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Zendesk one-touch
-- caveat: several messages in a row are one reply, whoever of the agents wrote them
-- edge: each opening counts by itself, so a reopened chat may have been of one touch twice
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   closed_count: closed chats in which an agent replied
--   one_touch_count: those with exactly one turn of the agents
--   one_touch_ratio: share of those
--   coverage_ratio: for how much of the time a recorder vouches
with answered as (
    select
        measured.cell,
        outcomes.agent_turns_count
    from measured
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    where measured.fact = 'closed' and outcomes.agent_turns_count > 0
)

select
    cells.date,
    cells.slice,
    count(answered.cell) as closed_count,
    count(case when answered.agent_turns_count = 1 then 1 end) as one_touch_count,
    count(case when answered.agent_turns_count = 1 then 1 end)
    / nullif(cast(count(answered.cell) as double), 0) as one_touch_ratio,
    cells.coverage_ratio
from cells
left join answered
    on cells.cell = answered.cell
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
