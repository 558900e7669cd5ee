-- messages: Each message, who wrote it and when; never what it says.
-- grain: one row a message: message_id
-- anchor: sent_at
-- caveat: messages of the system, and notes that no visitor sees, are there but not counted
-- columns:
--   project_id: the project
--   date: the local day on which it was sent
--   message_id: the server's id
--   conversation_id: the chat
--   session_no: which of its sessions
--   sent_at: when; UTC
--   sender_id: who wrote it
--   sender_name: the agent's newest name known; null for others
--   sender_role: visitor, agent, bot, system; unknown where the archive cannot tell
--   is_counted: a part of the talk: not of the system, no info, no private note
--   is_after_close: sent after the session's close
--   action: a bot command in it
--   characters_count: length of the text; null if it has none
--   channel: how the visitor writes
--   department_id: the chat's last department known
--   pause_s: since the counted message before it in the session; null for the first, and if not counted
with sent as (
    select
        messages.*,
        case
            when messages.is_counted
                then
                    lag(messages.sent_at) over (
                        partition by
                            messages.conversation_id, messages.session_no, messages.is_counted
                        order by messages.sent_at asc, messages.message_id asc
                    )
        end as before_at
    from messages
)

select
    params.project_id,
    days.date,
    sent.message_id,
    sent.conversation_id,
    sent.session_no,
    sent.sent_at,
    sent.sender_id,
    case when sent.sender_role = 'agent' then agents.agent_name end as sender_name,
    sent.sender_role,
    sent.is_counted,
    sent.is_after_close,
    sent.action,
    sent.text_length as characters_count,
    conversations.channel,
    conversations.department_id,
    cast((unix_micros(sent.sent_at) - unix_micros(sent.before_at)) / 1e6 as double) as pause_s
from sent
cross join params
inner join days
    on sent.sent_at >= days.start_utc and sent.sent_at < days.end_utc
inner join conversations
    on sent.conversation_id = conversations.conversation_id
left join agents
    on sent.sender_id = agents.agent_id
order by sent.sent_at asc nulls last, sent.message_id asc nulls last
