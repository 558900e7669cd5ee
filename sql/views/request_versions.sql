-- request_versions: The states of a chat, one after another, as the server told them.
-- grain: one row a chat and updated_at; of several copies the live one, then the fullest
-- columns:
--   conversation_id: the server's request_id
--   version_at: the server's updatedAt; versions are ordered by it
--   version_no: 1 for the first version seen
--   is_closed: the status is 1000 or more; null if unknown
--   fully_abandoned: the server says that every agent has left it
with copies as (
    select
        request_id as conversation_id,
        entity_id,
        coalesce(updated_at, created_at, received_at) as version_at,
        recorder,
        seq,
        element,
        is_snapshot,
        created_at,
        status,
        preflight,
        draft,
        assigned_at,
        first_response_at,
        waiting_time_ms,
        closed_at,
        closed_by,
        rating,
        agents,
        bots,
        department_id,
        department_name,
        channel,
        tags,
        lead_id,
        language,
        country,
        source_page,
        working_status,
        smart_assignment,
        created_by,
        fully_abandoned,
        case when assigned_at is null then 0 else 1 end
        + case when first_response_at is null then 0 else 1 end
        + case when waiting_time_ms is null then 0 else 1 end
        + case when closed_at is null then 0 else 1 end
        + case when rating is null then 0 else 1 end
        + case when agents is null then 0 else 1 end
        + case when department_id is null then 0 else 1 end
        + case when lead_id is null then 0 else 1 end as filled_count
    from events
    where
        kind = 'request'
        and entity_id is not null
        and request_id in (select conversation_id from living)
),

ranked as (
    select
        copies.*,
        row_number() over (
            partition by conversation_id, entity_id, version_at
            order by is_snapshot asc, filled_count desc, recorder asc, seq asc, element asc
        ) as rank
    from copies
)

select
    conversation_id,
    version_at,
    cast(
        row_number() over (partition by conversation_id order by version_at asc, seq asc) as bigint
    ) as version_no,
    status >= 1000 as is_closed,
    created_at,
    status,
    preflight,
    draft,
    assigned_at,
    first_response_at,
    waiting_time_ms,
    closed_at,
    closed_by,
    rating,
    agents,
    bots,
    department_id,
    department_name,
    channel,
    tags,
    lead_id,
    language,
    country,
    source_page,
    working_status,
    smart_assignment,
    created_by,
    fully_abandoned
from ranked
where rank = 1
