-- receipts: What was received in the window, of whatever kind, and what tells its versions apart.
-- grain: one row an entity received
-- columns:
--   conversation_id: the chat of a chat or message; else null
--   version_at: the version of a chat or an agent's state; null of a message, which has one
--   available: of agents only, as are profile_status and busy: their states of one instant differ
--   is_live: sent when it happened, not shown by a snapshot or read again
--   is_entity: a chat, a message or an agent, with an id
select
    events.kind,
    events.entity_id,
    case when events.kind in ('request', 'message') then events.request_id end as conversation_id,
    events.recorder,
    events.source,
    events.mistyped,
    events.received_at,
    events.seq,
    events.created_at,
    events.updated_at,
    case when events.kind <> 'message' then events.updated_at end as version_at,
    case when events.kind = 'agent' then events.available end as available,
    case when events.kind = 'agent' then events.profile_status end as profile_status,
    case when events.kind = 'agent' then events.busy end as busy,
    events.source = 'realtime' and not events.is_snapshot as is_live,
    events.kind in ('request', 'message', 'agent') and events.entity_id is not null as is_entity
from events
cross join params
where
    events.kind not in ('control', 'gap')
    and events.received_at >= params.start_utc
    and events.received_at < params.end_utc
