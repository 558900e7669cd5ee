-- conversations: The chats that count: not in preflight, and no test of the bot designer.
-- grain: one row a chat
-- columns:
--   conversation_id: the server's request_id
--   created_at: when it began
--   channel: how the visitor writes
--   channel_class: live; async (WhatsApp, SMS, Telegram, Messenger); offline (e-mail, form)
--   lead_id: the visitor
--   department_id: the last one known
--   tags: the last ones known; null if never told
--   language: as the server guessed it
--   country: where the visitor is, as the server guessed it
--   created_by: who opened it
with known as (
    select
        conversation_id,
        min(created_at) as created_at,
        max_by(coalesce(preflight, false), version_no) as is_preflight,
        max(
            case
                when draft or source_page like '%td_draft=true%' then 1
                else 0
            end
        ) as is_test,
        max_by(channel, case when channel is null then null else version_no end) as channel,
        max_by(
            smart_assignment, case when smart_assignment is null then null else version_no end
        ) as smart_assignment,
        max_by(lead_id, case when lead_id is null then null else version_no end) as lead_id,
        max_by(
            department_id, case when department_id is null then null else version_no end
        ) as department_id,
        max_by(language, case when language is null then null else version_no end) as language,
        max_by(tags, case when tags is null then null else version_no end) as tags,
        max_by(country, case when country is null then null else version_no end) as country,
        max_by(created_by, case when created_by is null then null else version_no end)
            as created_by
    from request_versions
    group by conversation_id
),

leads as (
    select
        request_id as conversation_id,
        max_by(lead_id, received_at) as lead_id
    from events
    where
        kind = 'message'
        and lead_id is not null
        and request_id in (select conversation_id from living)
    group by request_id
)

select
    known.conversation_id,
    known.created_at,
    coalesce(known.channel, 'chat21') as channel,
    case
        when known.channel in ('email', 'form') or known.smart_assignment = false then 'offline'
        when known.channel in ('whatsapp', 'telegram', 'messenger', 'facebook') then 'async'
        when known.channel like 'sms%' then 'async'
        else 'live'
    end as channel_class,
    coalesce(known.lead_id, leads.lead_id) as lead_id,
    known.department_id,
    known.tags,
    known.language,
    known.country,
    known.created_by
from known
left join leads
    on known.conversation_id = leads.conversation_id
where
    not known.is_preflight
    and known.is_test = 0
    and known.created_at is not null
