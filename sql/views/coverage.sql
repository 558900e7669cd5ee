-- coverage: The times for which a recorder vouches that it received everything.
-- grain: one row an uninterrupted interval, of all recorders together
-- caveat: liveness is journaled every 5 s, so of a recorder at work the last seconds are missing
-- columns:
--   since: first instant, by the recorder's clock
--   until: last instant
with vouched as (
    select
        cast(get_json_object(events.payload, '$.since') as timestamp) as since,
        least(
            cast(get_json_object(events.payload, '$.until') as timestamp), params.now_utc
        ) as until
    from events
    cross join params
    where
        events.kind = 'control'
        and events.source = 'recorder'
        and events.connection is null
        and get_json_object(events.payload, '$.control') = 'covered'
),

islands as (
    select
        since,
        until,
        max(until) over (
            order by since asc, until asc
            rows between unbounded preceding and 1 preceding
        ) as reached
    from vouched
    where since < until
),

numbered as (
    select
        since,
        until,
        sum(case when since <= reached then 0 else 1 end) over (
            order by since asc, until asc
            rows between unbounded preceding and current row
        ) as island
    from islands
)

select
    min(since) as since,
    max(until) as until
from numbered
group by island
