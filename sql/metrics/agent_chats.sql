-- agent_chats: How many chats each agent got, answered, missed, passed on and closed.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: the assignment's start; its end if missed; the close; the transfer; the message
-- units: counts; ratio 0 to 1
-- by: department, channel, hour, weekday
-- facts: assigned, assignment_ended, closed, took_over, passed_on, message
-- follows: Zendesk chats assigned and accepted; Amazon Connect transfers
-- caveat: agents with nothing are left out
-- edge: added again within a minute counts once; after a transfer or reopening it is a new one
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   assigned_count: chats assigned
--   answered_count: those in which the agent wrote something
--   answered_ratio: share of those assigned; null if none was
--   missed_count: chats that went from the agent, who had not written, without a close
--   closed_count: chats that the agent closed
--   transferred_in_count: chats taken over from another agent
--   transferred_out_count: chats taken over by another agent
--   messages_count: messages written, without private notes
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    count(case when measured.fact = 'assigned' then 1 end) as assigned_count,
    count(case when measured.fact = 'assigned' and measured.detail = 'answered' then 1 end)
        as answered_count,
    avg(
        case
            when measured.fact = 'assigned' and measured.detail = 'answered' then cast(1 as double)
            when measured.fact = 'assigned' then cast(0 as double)
        end
    ) as answered_ratio,
    count(case when measured.fact = 'assignment_ended' and measured.detail = 'missed' then 1 end)
        as missed_count,
    count(case when measured.fact = 'closed' then 1 end) as closed_count,
    count(case when measured.fact = 'took_over' then 1 end) as transferred_in_count,
    count(case when measured.fact = 'passed_on' then 1 end) as transferred_out_count,
    count(case when measured.fact = 'message' then 1 end) as messages_count,
    cells.coverage_ratio
from cells
inner join measured
    on
        cells.cell = measured.cell
        and measured.fact in (
            'assigned', 'assignment_ended', 'closed', 'took_over', 'passed_on', 'message'
        )
        and (measured.fact <> 'assignment_ended' or measured.detail = 'missed')
inner join agents
    on measured.agent_id = agents.agent_id
group by cells.date, cells.slice, cells.coverage_ratio, agents.agent_id, agents.agent_name
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
