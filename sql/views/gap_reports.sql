-- gap_reports: The gaps that recorders told of.
-- grain: one row a gap of a recorder, of the whole project or of one topic
-- columns:
--   recorder: whose
--   topic: null for the whole project
--   since: last sign of life before it, by the recorder's clock
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
)

select
    recorder,
    topic,
    since,
    until,
    why
from ranked
where rank = 1
