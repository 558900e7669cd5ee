-- deliveries: What was received in the window, summed up by chat: how much, how late, how often.
-- grain: one row a chat; one with null of all that is no chat's
-- columns:
--   conversation_id: the server's request_id; null of agents, and of what is no entity
--   first_received_at: the first of it in the window
--   last_received_at: the last
--   rows_count: entities received, of whatever kind
--   entities_count: chats, messages and agents with an id
--   versions_count: what these said, each once
--   unparsed_count: frames that are no Tiledesk JSON
--   untrusted_count: frames injected by other clients
--   mistyped_count: rows with a value of another type than expected
--   repairs_count: rows that were read again
--   clock_regress_count: live rows older, by the server's clock, than one received before
--   lags_us: from the server's time to ours, in microseconds, of what a live row said first
with versions as (
    select
        conversation_id,
        is_entity,
        min(received_at) as first_at,
        max(received_at) as last_at,
        min(case when is_live then received_at end) as first_live_at,
        min(coalesce(updated_at, created_at)) as happened_at,
        count(*) as rows_count,
        count(case when kind = 'unparsed' then 1 end) as unparsed_count,
        count(case when kind = 'untrusted' then 1 end) as untrusted_count,
        count(mistyped) as mistyped_count,
        count(case when source = 'repair' then 1 end) as repairs_count
    from receipts
    group by
        conversation_id,
        is_entity,
        kind,
        entity_id,
        version_at,
        available,
        profile_status,
        busy
),

steps as (
    select
        conversation_id,
        received_at,
        updated_at,
        max(updated_at) over (
            partition by conversation_id, kind, entity_id, recorder
            order by received_at asc, updated_at asc nulls last, seq asc
            rows between unbounded preceding and 1 preceding
        ) as reached_at,
        row_number() over (
            partition by
                conversation_id, kind, entity_id, version_at, available, profile_status, busy
            order by received_at asc, recorder asc, seq asc
        ) as copy_no
    from receipts
    where is_entity and is_live and kind in ('request', 'agent')
),

-- Only a live row that says something new tells how late it came.
told as (
    select
        conversation_id,
        first_at,
        last_at,
        rows_count,
        case when is_entity then rows_count else 0 end as entities_count,
        case when is_entity then 1 else 0 end as versions_count,
        unparsed_count,
        untrusted_count,
        mistyped_count,
        case when is_entity then repairs_count else 0 end as repairs_count,
        0 as regresses_count,
        case
            when is_entity and first_live_at = first_at
                then unix_micros(first_at) - unix_micros(happened_at)
        end as lag_us
    from versions
    union all
    select
        conversation_id,
        received_at as first_at,
        received_at as last_at,
        0 as rows_count,
        0 as entities_count,
        0 as versions_count,
        0 as unparsed_count,
        0 as untrusted_count,
        0 as mistyped_count,
        0 as repairs_count,
        1 as regresses_count,
        cast(null as bigint) as lag_us
    from steps
    where copy_no = 1 and updated_at < reached_at
)

select
    conversation_id,
    min(first_at) as first_received_at,
    max(last_at) as last_received_at,
    cast(sum(rows_count) as bigint) as rows_count,
    cast(sum(entities_count) as bigint) as entities_count,
    cast(sum(versions_count) as bigint) as versions_count,
    cast(sum(unparsed_count) as bigint) as unparsed_count,
    cast(sum(untrusted_count) as bigint) as untrusted_count,
    cast(sum(mistyped_count) as bigint) as mistyped_count,
    cast(sum(repairs_count) as bigint) as repairs_count,
    cast(sum(regresses_count) as bigint) as clock_regress_count,
    sort_array(collect_list(lag_us)) as lags_us
from told
group by conversation_id
