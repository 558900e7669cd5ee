-- gap_inside_coverage: A recorder vouches for a time that it calls a gap itself.
-- grain: one row a gap and a covered interval of one recorder
with vouched as (
    select distinct
        recorder,
        cast(get_json_object(payload, '$.since') as timestamp) as since,
        cast(get_json_object(payload, '$.until') as timestamp) as until
    from events
    where
        kind = 'control'
        and source = 'recorder'
        and connection is null
        and get_json_object(payload, '$.control') = 'covered'
)

select
    gaps.recorder,
    gaps.since,
    gaps.until,
    'vouched for in part by ' || gaps.recorder as why
from gaps
inner join vouched
    on
        gaps.recorder = vouched.recorder
        and vouched.since < gaps.until
        and vouched.until > gaps.since
where gaps.topic is null
order by gaps.recorder asc nulls last, gaps.since asc nulls last, vouched.since asc nulls last
