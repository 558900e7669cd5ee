-- agent_availability: How long each agent was available.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: split: each second counts in the day in which it lies
-- units: seconds
-- params: now_utc
-- caveat: only covered time counts; what happened in a gap is in neither sum
-- columns:
--   date: the local day
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   available_s: the switch was on
--   unavailable_s: it was off, or the agent was not active in the project
with stretches as (
    select
        periods.date,
        agent_status.agent_id,
        agent_status.is_available,
        greatest(agent_status.started_at, periods.start_utc, coverage.since) as since,
        least(
            coalesce(agent_status.ended_at, params.now_utc),
            params.now_utc,
            periods.end_utc,
            coverage.until
        ) as until
    from periods
    cross join params
    inner join coverage
        on coverage.since < periods.end_utc and coverage.until > periods.start_utc
    inner join agent_status
        on
            agent_status.started_at < least(periods.end_utc, coverage.until)
            and (
                agent_status.ended_at is null
                or agent_status.ended_at > greatest(periods.start_utc, coverage.since)
            )
),

summed as (
    select
        date,
        agent_id,
        sum(case when is_available then unix_micros(until) - unix_micros(since) else 0 end) / 1e6
            as available_s,
        sum(case when is_available then 0 else unix_micros(until) - unix_micros(since) end) / 1e6
            as unavailable_s
    from stretches
    where since < until
    group by date, agent_id
)

select
    summed.date,
    agents.agent_id,
    agents.agent_name,
    cast(summed.available_s as double) as available_s,
    cast(summed.unavailable_s as double) as unavailable_s
from summed
inner join agents
    on summed.agent_id = agents.agent_id
order by
    summed.date asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
