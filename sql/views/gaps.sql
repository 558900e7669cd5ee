-- gaps: Times in which something may be missing, and why.
-- grain: one row a gap of a recorder, of the whole project or of one topic
-- columns:
--   recorder: whose
--   topic: null for the whole project
--   since: last sign of life before it, by the recorder's clock
--   starts_at: the same by the server's clock: earlier by the worst delay of the minute before
--   until: the snapshot that ended it; null while it lasts
--   why: what the recorder saw
with told as (
    select
        recorder,
        get_json_object(payload, '$.topic') as topic,
        cast(get_json_object(payload, '$.since') as timestamp) as since,
        cast(get_json_object(payload, '$.until') as timestamp) as until,
        get_json_object(payload, '$.why') as why,
        received_at
    from events
    where kind = 'gap' and source = 'recorder' and connection is null
),

-- A gap is told when it begins and again when it ends: the ended one wins.
ranked as (
    select
        told.*,
        row_number() over (
            partition by recorder, topic, since
            order by until desc nulls last, received_at asc, why asc nulls last
        ) as rank
    from told
    where since is not null
),

delays as (
    select
        recorder,
        received_at,
        coalesce(updated_at, created_at) as happened_at
    from events
    where
        kind in ('request', 'message', 'agent')
        and source = 'realtime'
        and not is_snapshot
),

worst as (
    select
        ranked.recorder,
        ranked.since,
        max(unix_micros(delays.received_at) - unix_micros(delays.happened_at)) as delay_us
    from ranked
    inner join delays
        on
            ranked.recorder = delays.recorder
            and delays.received_at > ranked.since - interval '1' minute
            and delays.received_at <= ranked.since
    where ranked.rank = 1
    group by ranked.recorder, ranked.since
)

select
    ranked.recorder,
    ranked.topic,
    ranked.since,
    ranked.since
    - greatest(coalesce(worst.delay_us, 0), 0) / 1e6 * interval '1' second
        as starts_at,
    case when ranked.until <= params.now_utc then ranked.until end as until,
    ranked.why
from ranked
cross join params
left join worst
    on ranked.recorder = worst.recorder and ranked.since = worst.since
where ranked.rank = 1 and ranked.since < params.now_utc
