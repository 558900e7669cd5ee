-- coverage: The times for which a recorder vouches that it received everything.
-- grain: one row an uninterrupted interval, of all recorders together
-- caveat: liveness is journaled every 5 s, so an interval that ends less than 10 s ago lasts to now
-- columns:
--   since: first instant, by the recorder's clock
--   until: last instant
with vouched as (
    select
        cast(get_json_object(payload, '$.since') as timestamp) as since,
        cast(get_json_object(payload, '$.until') as timestamp) as until
    from events
    where
        kind = 'control'
        and source = 'recorder'
        and connection is null
        and get_json_object(payload, '$.control') = 'covered'
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
),

united as (
    select
        min(since) as since,
        max(until) as until
    from numbered
    group by island
)

select
    united.since,
    case
        when
            united.until < params.now_utc
            and united.until > params.now_utc - interval '10' second
            then params.now_utc
        else united.until
    end as until
from united
cross join params
