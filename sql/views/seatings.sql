-- seatings: Who the server ever said was an agent in a chat.
-- grain: one row a chat and user id
-- columns:
--   conversation_id: the chat; null if it names none
--   agent_id: the user id
with lists as (
    select distinct
        request_id as conversation_id,
        agents
    from events
    where kind = 'request' and agents is not null
)

select distinct
    conversation_id,
    explode(agents) as agent_id
from lists
