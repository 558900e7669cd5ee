-- timed_facts: Each fact with its length, on the clock and in opening hours, and how sure it is.
-- grain: one row a fact
-- caveat: opening hours are those of the chat's last department, where it has its own
-- columns:
--   seconds: how long; null if it has no length, or an edge lies in a gap and is inferred
--   open_seconds: how much of it in opening hours; null if none are given
--   is_in_gap: a gap of the recording overlaps it
--   is_uncertain: an edge is known only to lie in a gap
with own_hours as (
    select
        conversations.conversation_id,
        conversations.department_id
    from conversations
    inner join (select distinct department_id from opening_hours) as departments
        on conversations.department_id = departments.department_id
),

spans as (
    select
        facts.*,
        coalesce(own_hours.department_id, general.department_id) as hours_of
    from facts
    left join own_hours
        on facts.conversation_id = own_hours.conversation_id
    left join (select distinct department_id from opening_hours where department_id = '') as general
        on facts.fact is not null
    where facts.since is not null or facts.until is not null
),

opened as (
    select
        distinct_spans.hours_of,
        distinct_spans.since,
        distinct_spans.until,
        cast(
            sum(
                unix_micros(least(distinct_spans.until, opening_hours.end_utc))
                - unix_micros(greatest(distinct_spans.since, opening_hours.start_utc))
            ) / 1e6 as double
        ) as open_s
    from (
        select distinct
            hours_of,
            since,
            until
        from spans
        where hours_of is not null
    ) as distinct_spans
    inner join opening_hours
        on
            distinct_spans.hours_of = opening_hours.department_id
            and distinct_spans.since < opening_hours.end_utc
            and distinct_spans.until > opening_hours.start_utc
    group by distinct_spans.hours_of, distinct_spans.since, distinct_spans.until
),

spoiled as (
    select distinct
        spans.since,
        spans.until
    from spans
    inner join holes
        on (holes.until is null or spans.since < holes.until)
            and spans.until > holes.starts_at
),

lost_edges as (
    select distinct edges.edge
    from (
        select since as edge
        from spans
        where is_since_inferred
        union
        select until as edge
        from spans
        where is_until_inferred
    ) as edges
    inner join holes
        on edges.edge > holes.starts_at and (holes.until is null or edges.edge < holes.until)
),

judged as (
    select
        spans.*,
        opened.open_s,
        spoiled.since is not null as is_in_gap,
        (spans.is_since_inferred and lost_since.edge is not null)
        or (spans.is_until_inferred and lost_until.edge is not null) as is_uncertain
    from spans
    left join opened
        on
            spans.hours_of = opened.hours_of
            and spans.since = opened.since
            and spans.until = opened.until
    left join spoiled
        on spans.since = spoiled.since and spans.until = spoiled.until
    left join lost_edges as lost_since
        on spans.since = lost_since.edge
    left join lost_edges as lost_until
        on spans.until = lost_until.edge
)

select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    case
        when not is_uncertain
            then cast((unix_micros(until) - unix_micros(since)) / 1e6 as double)
    end as seconds,
    case
        when not is_uncertain and until is not null and since is not null and hours_of is not null
            then coalesce(open_s, cast(0 as double))
    end as open_seconds,
    is_in_gap,
    is_uncertain
from judged
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    cast(null as double) as seconds,
    cast(null as double) as open_seconds,
    false as is_in_gap,
    false as is_uncertain
from facts
where since is null and until is null
