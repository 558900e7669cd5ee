-- agents: The people who answer: everybody whose state is followed or who was in a chat.
-- grain: one row a user id
-- caveat: a visitor who appears among a chat's agents is still a visitor of that chat
-- columns:
--   agent_id: the user id
--   project_user_id: the id within the project, where followed
--   agent_name: the newest name sent; else the id
with followed as (
    select
        agent_id,
        max_by(entity_id, received_at) as project_user_id
    from events
    where kind = 'agent' and agent_id is not null
    group by agent_id
),

names as (
    select
        agent_id,
        max_by(agent_name, received_at) as agent_name
    from callings
    group by agent_id
),

ids as (
    select agent_id from followed
    union
    select agent_id from seatings
    where agent_id is not null
)

select
    ids.agent_id,
    followed.project_user_id,
    coalesce(names.agent_name, ids.agent_id) as agent_name
from ids
left join followed
    on ids.agent_id = followed.agent_id
left join names
    on ids.agent_id = names.agent_id
