-- data_quality: What to know about the recording before trusting the numbers.
-- grain: one row for the window
-- anchor: received_at, by our clock; for closes_untold_count the close, for unknown the message
-- units: counts; seconds; ratio 0 to 1
-- params: start_utc, end_utc
-- columns:
--   rows_count: entities received, of whatever kind
--   receive_lag_p50_s: from the server's time to ours, live rows only, median
--   receive_lag_p95_s: nineteen in twenty were no later
--   duplicate_ratio: share of rows that repeat what another row says
--   unparsed_count: frames that are no Tiledesk JSON, kept as they came
--   untrusted_count: frames injected by other clients, kept and ignored
--   mistyped_count: rows with a value of another type than expected
--   truncated_count: snapshots at the server's cap, which may lack rows
--   refused_count: topics that the server did not answer
--   unknown_sender_count: messages whose author's role is unknown
--   closes_untold_count: closes whose details the server has not told
with received as (
    select
        events.kind,
        events.source,
        events.is_snapshot,
        events.entity_id,
        events.updated_at,
        events.available,
        events.profile_status,
        events.busy,
        events.mistyped,
        case
            when events.kind in ('request', 'message', 'agent') and events.entity_id is not null
                then 1
            else 0
        end as is_entity,
        (
            unix_micros(events.received_at)
            - unix_micros(coalesce(events.updated_at, events.created_at))
        ) / 1e6 as lag_s
    from events
    cross join params
    where
        events.kind not in ('control', 'gap')
        and events.received_at >= params.start_utc
        and events.received_at < params.end_utc
),

distinct_rows as (
    select count(*) as distinct_count
    from (
        select distinct
            kind,
            entity_id,
            case when kind = 'message' then null else updated_at end as updated_at,
            case when kind = 'agent' then available end as available,
            case when kind = 'agent' then profile_status end as profile_status,
            case when kind = 'agent' then busy end as busy
        from received
        where is_entity = 1
    ) as told
),

totals as (
    select
        count(*) as rows_count,
        cast(coalesce(sum(is_entity), 0) as bigint) as entities_count,
        percentile_cont(0.5) within group (
            order by case when source = 'realtime' and not is_snapshot then lag_s end
        ) as receive_lag_p50_s,
        percentile_cont(0.95) within group (
            order by case when source = 'realtime' and not is_snapshot then lag_s end
        ) as receive_lag_p95_s,
        count(case when kind = 'unparsed' then 1 end) as unparsed_count,
        count(case when kind = 'untrusted' then 1 end) as untrusted_count,
        count(case when mistyped is not null then 1 end) as mistyped_count
    from received
),

told as (
    select
        get_json_object(events.payload, '$.control') as control,
        get_json_object(events.payload, '$.topic') as topic
    from events
    cross join params
    where
        events.kind = 'control'
        and events.source = 'recorder'
        and events.connection is null
        and events.received_at >= params.start_utc
        and events.received_at < params.end_utc
),

controls as (
    select
        count(case when control = 'truncated' then 1 end) as truncated_count,
        count(distinct case when control = 'refused' then topic end) as refused_count
    from told
),

unknowns as (
    select count(*) as unknown_sender_count
    from messages
    cross join params
    where
        messages.sender_role = 'unknown'
        and messages.sent_at >= params.start_utc
        and messages.sent_at < params.end_utc
),

untold as (
    select count(*) as closes_untold_count
    from sessions
    cross join params
    where
        not sessions.has_details
        and sessions.closed_at >= params.start_utc
        and sessions.closed_at < params.end_utc
)

select
    totals.rows_count,
    totals.receive_lag_p50_s,
    totals.receive_lag_p95_s,
    1 - distinct_rows.distinct_count / nullif(cast(totals.entities_count as double), 0)
        as duplicate_ratio,
    totals.unparsed_count,
    totals.untrusted_count,
    totals.mistyped_count,
    controls.truncated_count,
    controls.refused_count,
    unknowns.unknown_sender_count,
    untold.closes_untold_count
from totals
cross join distinct_rows
cross join controls
cross join unknowns
cross join untold
