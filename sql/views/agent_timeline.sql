-- agent_timeline: What each agent's day was like: available, how many chats at once, at the limit.
-- grain: one row an uninterrupted stretch of an agent in a local day in which nothing of it changed
-- caveat: what nobody vouches for is left out; chats set aside do not count
-- columns:
--   date: the local day
--   agent_name: the newest name known, else the id
--   since: from
--   until: up to
--   is_available: the switch was on; null if nothing tells it yet
--   chats_count: chats that the agent had
--   chat_limit: chats that the agent might have; null if no limit is known
--   is_at_limit: available, with as many chats as the limit allows, or more; null without limit
with recorded as (
    select
        days.date,
        greatest(days.start_utc, coverage.since) as since,
        least(days.end_utc, coverage.until, params.now_utc) as until
    from days
    cross join params
    inner join coverage
        on
            coverage.since < least(days.end_utc, params.now_utc)
            and coverage.until > days.start_utc
)

select
    recorded.date,
    agent_levels.agent_id,
    agents.agent_name,
    greatest(agent_levels.since, recorded.since) as since,
    least(agent_levels.until, recorded.until) as until,
    agent_levels.is_available,
    agent_levels.chats_count,
    agent_levels.chat_limit,
    agent_levels.is_available and agent_levels.chats_count >= agent_levels.chat_limit
        as is_at_limit
from agent_levels
inner join agents
    on agent_levels.agent_id = agents.agent_id
inner join recorded
    on agent_levels.since < recorded.until and agent_levels.until > recorded.since
where agent_levels.is_available is not null or agent_levels.chats_count > 0
