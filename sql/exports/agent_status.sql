-- agent_status: Each stretch in which an agent's availability, reason and limit stayed the same.
-- grain: one row a stretch: agent_id and started_at
-- anchor: none: every stretch that overlaps the window, whole
-- caveat: the first state seen may have begun earlier than the server's last update says
-- columns:
--   project_id: the project
--   agent_id: the agent
--   agent_name: the newest name known, else the id
--   is_available: the switch is on, and the agent is active in the project
--   is_member: the agent is active in the project
--   profile_status: why not available: empty or `inactive`
--   chat_limit: the personal limit of chats at once; null if there is none
--   started_at: the update that first shows it; UTC, as all times
--   ended_at: the update that shows another; null for the last one known
--   elapsed_s: how long, up to now
--   covered_s: for how much of that a recorder vouches
--   is_in_gap: recording had a gap in it
with stretches as (
    select
        agent_status.*,
        least(coalesce(agent_status.ended_at, params.now_utc), params.now_utc) as last_at,
        params.project_id
    from agent_status
    cross join params
    where
        agent_status.started_at < least(params.end_utc, params.now_utc)
        and (agent_status.ended_at is null or agent_status.ended_at > params.start_utc)
),

vouched as (
    select
        stretches.agent_id,
        stretches.started_at,
        sum(
            unix_micros(least(stretches.last_at, coverage.until))
            - unix_micros(greatest(stretches.started_at, coverage.since))
        ) / 1e6 as covered_s
    from stretches
    inner join coverage
        on stretches.started_at < coverage.until and stretches.last_at > coverage.since
    group by stretches.agent_id, stretches.started_at
),

holed as (
    select distinct
        stretches.agent_id,
        stretches.started_at
    from stretches
    inner join holes
        on
            stretches.last_at > holes.starts_at
            and (holes.until is null or stretches.started_at < holes.until)
)

select
    stretches.project_id,
    stretches.agent_id,
    agents.agent_name,
    stretches.is_available,
    stretches.is_member,
    stretches.profile_status,
    stretches.chat_limit,
    stretches.started_at,
    stretches.ended_at,
    cast((unix_micros(stretches.last_at) - unix_micros(stretches.started_at)) / 1e6 as double)
        as elapsed_s,
    cast(coalesce(vouched.covered_s, 0) as double) as covered_s,
    holed.agent_id is not null as is_in_gap
from stretches
inner join agents
    on stretches.agent_id = agents.agent_id
left join vouched
    on stretches.agent_id = vouched.agent_id and stretches.started_at = vouched.started_at
left join holed
    on stretches.agent_id = holed.agent_id and stretches.started_at = holed.started_at
order by stretches.started_at asc nulls last, stretches.agent_id asc nulls last
