-- received_messages: What was written, as it was first received, whether or not the chat counts.
-- grain: one row a message of a chat
-- columns:
--   message_id: the server's id
--   conversation_id: the chat; null if it names none
--   sent_at: the server's createdAt
--   sender_id: who
--   message_subtype: what is not part of the talk has one
--   message_action: the bot command in it
--   text_length: characters
with copies as (
    select
        events.entity_id as message_id,
        events.request_id as conversation_id,
        events.created_at as sent_at,
        events.sender as sender_id,
        events.message_subtype,
        events.message_action,
        events.text_length,
        row_number() over (
            partition by events.request_id, events.entity_id
            order by
                events.is_snapshot asc, events.recorder asc, events.seq asc, events.element asc
        ) as rank
    from events
    left join living
        on events.request_id = living.conversation_id
    where
        events.kind = 'message'
        and events.entity_id is not null
        and events.created_at is not null
        and (living.conversation_id is not null or events.request_id is null)
)

select
    message_id,
    conversation_id,
    sent_at,
    sender_id,
    message_subtype,
    message_action,
    text_length
from copies
where rank = 1
