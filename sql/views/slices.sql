-- slices: What an answer is broken down into.
-- grain: one row a slice; one with null if it is not broken down, or by time
-- columns:
--   slice: its name
--   agent_id: the agent, if broken down by agent
with named as (
    select
        agent_id,
        agent_name,
        count(*) over (partition by agent_name) as namesakes_count
    from agents
)

select distinct
    slice_stretches.slice,
    cast(null as string) as agent_id
from slice_stretches
union all
select
    case
        when named.namesakes_count = 1 then named.agent_name
        else named.agent_name || ' (' || named.agent_id || ')'
    end as slice,
    named.agent_id
from named
cross join params
where params.breakdown = 'agent'
union all
select
    case when params.breakdown = 'agent' then '(none)' end as slice,
    cast(null as string) as agent_id
from params
where params.breakdown is null or params.breakdown in ('agent', 'hour', 'weekday')
