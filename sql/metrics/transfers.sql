-- transfers: How often chats went from one agent, or department, to another.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the transfer; of sessions_count and transferred_ratio, opened_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: opened, transferred, helped
-- follows: Zendesk engagements: one agent after another
-- caveat: a bot's hand-off is no transfer; a helper who joins is none, unless he takes over
-- edge: to come back is another transfer; by department, a move counts where it went to
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_count: from agent to agent
--   department_count: from department to department, once a human was needed
--   join_count: times that an agent joined others who had the chat, and took it from nobody
--   sessions_count: openings in which a human took part, by opened_at
--   transferred_ratio: share of those in which an agent was ever replaced by another
--   coverage_ratio: for how much of the time a recorder vouches
with seen as (
    select
        measured.cell,
        measured.fact,
        measured.detail,
        outcomes.is_transferred
    from measured
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    where
        measured.fact in ('opened', 'transferred', 'helped')
        and (measured.fact <> 'opened' or outcomes.had_agent)
),

counted as (
    select
        cells.date,
        cells.slice,
        count(case when seen.detail = 'agent' then 1 end) as agent_count,
        count(case when seen.detail = 'department' then 1 end) as department_count,
        count(case when seen.detail = 'helper' then 1 end) as join_count,
        count(case when seen.fact = 'opened' then 1 end) as sessions_count,
        count(case when seen.fact = 'opened' and seen.is_transferred then 1 end)
            as transferred_count,
        cells.coverage_ratio
    from cells
    left join seen
        on cells.cell = seen.cell
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    agent_count,
    department_count,
    join_count,
    sessions_count,
    cast(transferred_count as double) / nullif(sessions_count, 0) as transferred_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
