-- handle_times: How much of agents' time each closed chat took, in three measures.
-- grain: one row a measure of a closed session that an agent had
-- columns:
--   fact: handle_elapsed, handle_active or handle_focus: the sum of its assignments' own
--   agent_id: null: several agents may have had it
--   happened_at: the close
--   value: seconds
select
    case agent_times.fact
        when 'assignment_elapsed' then 'handle_elapsed'
        when 'assignment_active' then 'handle_active'
        else 'handle_focus'
    end as fact,
    agent_times.conversation_id,
    agent_times.session_no,
    cast(null as string) as agent_id,
    cast(null as string) as detail,
    sessions.closed_at as happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    sum(agent_times.value) as value,
    false as is_since_inferred,
    false as is_until_inferred
from agent_times
inner join sessions
    on
        agent_times.conversation_id = sessions.conversation_id
        and agent_times.session_no = sessions.session_no
where
    agent_times.fact in ('assignment_elapsed', 'assignment_active', 'assignment_focus')
    and sessions.closed_at is not null
group by
    agent_times.fact, agent_times.conversation_id, agent_times.session_no, sessions.closed_at
