-- messages: What was written in the chats that count, and who wrote it.
-- grain: one row a message
-- columns:
--   message_id: the server's id
--   conversation_id: the chat
--   session_no: the session in or after which it was written
--   sent_at: the server's createdAt
--   sender_id: who
--   sender_role: visitor, agent, bot, system or unknown
--   is_counted: part of the talk: neither of the system, nor an info or a private note
--   is_after_close: written when the session was over
--   action: the bot command in it
--   text_length: characters
with seated_bots as (
    select distinct
        conversation_id,
        explode(bots) as bot_id
    from request_versions
),

roles as (
    select
        copies.message_id,
        copies.conversation_id,
        copies.sent_at,
        copies.sender_id,
        case
            when copies.sender_id = 'system' then 'system'
            when substring(copies.sender_id, 1, 4) = 'bot_' then 'bot'
            when seated_bots.bot_id is not null then 'bot'
            when copies.sender_id = conversations.lead_id then 'visitor'
            when agents.agent_id is not null then 'agent'
            else 'unknown'
        end as sender_role,
        coalesce(
            copies.message_subtype like 'info%' or copies.message_subtype = 'private', false
        ) as is_aside,
        copies.message_action,
        copies.text_length
    from received_messages as copies
    inner join conversations
        on copies.conversation_id = conversations.conversation_id
    left join seated_bots
        on
            copies.conversation_id = seated_bots.conversation_id
            and copies.sender_id = seated_bots.bot_id
    left join agents
        on copies.sender_id = agents.agent_id
)

select
    roles.message_id,
    roles.conversation_id,
    sessions.session_no,
    roles.sent_at,
    roles.sender_id,
    roles.sender_role,
    roles.sender_role <> 'system' and not roles.is_aside as is_counted,
    coalesce(roles.sent_at > sessions.closed_at, false) as is_after_close,
    substring(roles.message_action, 2) as action,
    roles.text_length
from roles
inner join sessions
    on roles.conversation_id = sessions.conversation_id
where
    (sessions.session_no = 1 or roles.sent_at >= sessions.opened_at)
    and (sessions.next_opened_at is null or roles.sent_at < sessions.next_opened_at)
