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
with counts as (
    select
        cast(coalesce(sum(rows_count), 0) as bigint) as rows_count,
        cast(coalesce(sum(entities_count), 0) as bigint) as entities_count,
        cast(coalesce(sum(versions_count), 0) as bigint) as versions_count,
        cast(coalesce(sum(unparsed_count), 0) as bigint) as unparsed_count,
        cast(coalesce(sum(untrusted_count), 0) as bigint) as untrusted_count,
        cast(coalesce(sum(mistyped_count), 0) as bigint) as mistyped_count,
        cast(coalesce(sum(clock_regress_count), 0) as bigint) as clock_regress_count,
        count(case when repairs_count > 0 then conversation_id end) as repaired_count
    from deliveries
),

late as (
    select explode(lags_us) as lag_us
    from deliveries
),

lags as (
    select
        percentile_cont(0.5) within group (order by lag_us) / 1e6 as receive_lag_p50_s,
        percentile_cont(0.95) within group (order by lag_us) / 1e6 as receive_lag_p95_s
    from late
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

-- Whether it was heard of in the 24 hours is all that matters: of a year, they are few to read.
heard as (
    select distinct events.request_id as conversation_id
    from events
    cross join ended
    where
        events.kind in ('request', 'message')
        and events.received_at < ended.until
        and events.received_at >= ended.until - interval '24' hour
),

stale as (
    select count(*) as stale_open_count
    from sessions
    cross join ended
    left join heard
        on sessions.conversation_id = heard.conversation_id
    where
        (sessions.closed_at is null or sessions.closed_at >= ended.until)
        and sessions.opened_at < ended.until - interval '24' hour
        and heard.conversation_id is null
)

select
    counts.rows_count,
    lags.receive_lag_p50_s,
    lags.receive_lag_p95_s,
    (counts.entities_count - counts.versions_count)
    / nullif(cast(counts.entities_count as double), 0) as duplicate_ratio,
    counts.unparsed_count,
    counts.untrusted_count,
    counts.mistyped_count,
    controls.truncated_count,
    controls.refused_count,
    unknowns.unknown_sender_count,
    untold.closes_untold_count,
    missed.gaps_count,
    missed.gaps_s,
    counts.repaired_count,
    counts.clock_regress_count,
    stale.stale_open_count
from counts
cross join lags
cross join controls
cross join unknowns
cross join untold
cross join missed
cross join stale
