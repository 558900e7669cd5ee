-- callings: By what names the server called people.
-- grain: one row a chat, user id and name
-- columns:
--   conversation_id: the chat; null of what was not told of a chat
--   agent_id: the user id
--   agent_name: the name
--   received_at: when it was last told
with lists as (
    select
        request_id as conversation_id,
        agent_names,
        max(received_at) as received_at
    from events
    where agent_names is not null
    group by request_id, agent_names
),

called as (
    select
        conversation_id,
        received_at,
        explode(agent_names) as person
    from lists
)

select
    conversation_id,
    person.id as agent_id,
    person.name as agent_name,
    max(received_at) as received_at
from called
group by conversation_id, person.id, person.name
