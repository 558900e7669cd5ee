-- agent_day: When each agent's day began and ended, and how it went.
-- grain: one row a local day (and one for the whole window, date null) and agent
-- anchor: split: what lies in the day; of changes, the server's update
-- units: UTC timestamps; counts; seconds
-- follows: Chatwoot agent online hours
-- caveat: only covered time counts; a night shift begins and ends at midnight too
-- edge: a gap cuts an idle stretch in two; the first state known is no change
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   agent_id: the user id
--   agent_name: the newest name known, else the id
--   first_available_at: first instant available; null if never
--   last_available_at: last instant available; null if never
--   changes_count: how often availability, or the reason, changed
--   longest_idle_s: longest time available without a chat; null if never
--   coverage_ratio: for how much of the time a recorder vouches
with marked as (
    select
        agent_id,
        started_at,
        is_available,
        profile_status,
        lag(is_available) over (
            partition by agent_id order by started_at asc, ended_at asc nulls last
        ) as was_available,
        lag(profile_status) over (
            partition by agent_id order by started_at asc, ended_at asc nulls last
        ) as before_status
    from agent_status
),

changed as (
    select
        coalesce(cast(periods.date as string), '') || '|' || coalesce(periods.bucket, '') as cell,
        marked.agent_id,
        count(*) as changes_count
    from periods
    inner join marked
        on marked.started_at >= periods.start_utc and marked.started_at < periods.end_utc
    where
        marked.was_available <> marked.is_available
        or marked.before_status <> marked.profile_status
    group by periods.date, periods.bucket, marked.agent_id
),

spent as (
    select
        cell,
        agent_id,
        min(case when kind = 'available' then since end) as first_available_at,
        max(case when kind = 'available' then until end) as last_available_at,
        max(case when kind = 'idle' then unix_micros(until) - unix_micros(since) end) / 1e6
            as longest_idle_s
    from split_times
    where kind in ('available', 'unavailable', 'idle')
    group by cell, agent_id
)

select
    cells.date,
    cells.slice,
    agents.agent_id,
    agents.agent_name,
    spent.first_available_at,
    spent.last_available_at,
    coalesce(changed.changes_count, 0) as changes_count,
    cast(spent.longest_idle_s as double) as longest_idle_s,
    cells.coverage_ratio
from cells
inner join spent
    on cells.cell = spent.cell
inner join agents
    on spent.agent_id = agents.agent_id
left join changed
    on spent.cell = changed.cell and spent.agent_id = changed.agent_id
order by
    cells.date asc nulls last,
    cells.slice asc nulls last,
    agents.agent_name asc nulls last,
    agents.agent_id asc nulls last
