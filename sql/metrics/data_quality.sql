-- data_quality: What to know about the recording before trusting the numbers.
-- grain: one row for the window
-- anchor: received_at, by our clock; the close, the message, or the window's end where they say so
-- units: counts; seconds; ratio 0 to 1
-- params: start_utc, end_utc, now_utc
-- follows: none
-- caveat: a gap is time for which no recorder vouches; with two recorders both must have missed it
-- edge: a repeat is no clock that goes back; a chat read again may have been read for its close
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
--   closes_untold_count: closes in the window whose details the server has not told
--   gaps_count: times in the window, up to now, for which no recorder vouches
--   gaps_s: how long they were in all
--   repaired_count: chats read again, after a gap or to learn how they were closed
--   clock_regress_count: live rows older, by the server's clock, than one received before
--   stale_open_count: chats open at the window's end or now, silent for 24 hours before it
with received as (
    select
        events.kind,
        events.source,
        events.is_snapshot,
        events.mistyped,
        events.request_id,
        events.updated_at,
        max(
            case when events.source = 'realtime' and not events.is_snapshot then events.updated_at end
        ) over (
            partition by events.kind, events.entity_id, events.recorder
            order by events.received_at asc, events.updated_at asc nulls last, events.seq asc
            rows between unbounded preceding and 1 preceding
        ) as reached_at,
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
        count(case when mistyped is not null then 1 end) as mistyped_count,
        count(distinct case when is_entity and source = 'repair' then request_id end)
            as repaired_count,
        count(
            case
                when
                    kind in ('request', 'agent')
                    and copy_no = 1
                    and source = 'realtime'
                    and not is_snapshot
                    and updated_at < reached_at
                    then 1
            end
        ) as clock_regress_count
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
),

missed as (
    select
        count(*) as gaps_count,
        cast(coalesce(sum(unix_micros(until) - unix_micros(since)), 0) / 1e6 as double) as gaps_s
    from uncovered
),

ended as (
    select least(params.end_utc, params.now_utc) as until
    from params
),

heard as (
    select
        events.request_id as conversation_id,
        max(events.received_at) as heard_at
    from events
    cross join ended
    where events.kind in ('request', 'message') and events.received_at < ended.until
    group by events.request_id
),

stale as (
    select count(*) as stale_open_count
    from sessions
    cross join ended
    left join heard
        on sessions.conversation_id = heard.conversation_id
    where
        (sessions.closed_at is null or sessions.closed_at >= ended.until)
        and sessions.opened_at < ended.until
        and coalesce(heard.heard_at, sessions.opened_at) < ended.until - interval '24' hour
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
    untold.closes_untold_count,
    missed.gaps_count,
    missed.gaps_s,
    totals.repaired_count,
    totals.clock_regress_count,
    stale.stale_open_count
from totals
cross join controls
cross join unknowns
cross join untold
cross join missed
cross join stale
