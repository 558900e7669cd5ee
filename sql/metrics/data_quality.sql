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
        events.mistyped,
        events.kind in ('request', 'message', 'agent') and events.entity_id is not null
            as is_entity,
        (
            unix_micros(events.received_at)
            - unix_micros(coalesce(events.updated_at, events.created_at))
        ) / 1e6 as lag_s,
        row_number() over (
            partition by
                events.kind,
                events.entity_id,
                case when events.kind <> 'message' then events.updated_at end,
                case when events.kind = 'agent' then events.available end,
                case when events.kind = 'agent' then events.profile_status end,
                case when events.kind = 'agent' then events.busy end
            order by
                events.received_at asc, events.recorder asc, events.seq asc, events.element asc
        ) as copy_no
    from events
    cross join params
    where
        events.kind not in ('control', 'gap')
        and events.received_at >= params.start_utc
        and events.received_at < params.end_utc
),

-- Only a live row that says something new tells how late it came.
totals as (
    select
        count(*) as rows_count,
        count(case when is_entity then 1 end) as entities_count,
        count(case when is_entity and copy_no > 1 then 1 end) as duplicates_count,
        percentile_cont(0.5) within group (
            order by
                case
                    when is_entity and copy_no = 1 and source = 'realtime' and not is_snapshot
                        then lag_s
                end
        ) as receive_lag_p50_s,
        percentile_cont(0.95) within group (
            order by
                case
                    when is_entity and copy_no = 1 and source = 'realtime' and not is_snapshot
                        then lag_s
                end
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
    totals.duplicates_count / nullif(cast(totals.entities_count as double), 0) as duplicate_ratio,
    totals.unparsed_count,
    totals.untrusted_count,
    totals.mistyped_count,
    controls.truncated_count,
    controls.refused_count,
    unknowns.unknown_sender_count,
    untold.closes_untold_count
from totals
cross join controls
cross join unknowns
cross join untold
