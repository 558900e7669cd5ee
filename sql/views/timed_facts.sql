-- timed_facts: Each fact with its length, on the clock and in opening hours, and how sure it is.
-- grain: one row a fact
-- caveat: opening hours are those of the chat's last department, where it has its own
-- columns:
--   seconds: how long; null if it has no length, or an edge lies in a gap and is inferred
--   open_seconds: how much of it in opening hours; null if none are given
--   is_in_gap: a gap of the recording overlaps it
--   is_uncertain: an edge is known only to lie in a gap
with keyed as (
    select
        facts.*,
        coalesce(own.department_id, general.department_id) as hours_of
    from facts
    inner join conversations
        on facts.conversation_id = conversations.conversation_id
    left join (select distinct department_id from opening_hours) as own
        on conversations.department_id = own.department_id
    left join (select distinct department_id from opening_hours where department_id = '') as general
        on facts.fact is not null
),

opened as (
    select
        spans.hours_of,
        spans.since,
        spans.until,
        cast(
            sum(
                unix_micros(least(spans.until, opening_hours.end_utc))
                - unix_micros(greatest(spans.since, opening_hours.start_utc))
            ) / 1e6 as double
        ) as open_s
    from (select distinct hours_of, since, until from keyed) as spans
    inner join opening_hours
        on
            spans.hours_of = opening_hours.department_id
            and spans.since < opening_hours.end_utc
            and spans.until > opening_hours.start_utc
    group by spans.hours_of, spans.since, spans.until
),

spoiled as (
    select distinct
        spans.since,
        spans.until
    from (select distinct since, until from keyed) as spans
    inner join holes
        on (holes.until is null or spans.since < holes.until)
            and spans.until > holes.starts_at
),

lost_edges as (
    select distinct edges.edge
    from (
        select since as edge
        from keyed
        where is_since_inferred
        union
        select until as edge
        from keyed
        where is_until_inferred
    ) as edges
    inner join holes
        on edges.edge > holes.starts_at and (holes.until is null or edges.edge < holes.until)
),

judged as (
    select
        keyed.*,
        opened.open_s,
        spoiled.since is not null as is_in_gap,
        (keyed.is_since_inferred and lost_since.edge is not null)
        or (keyed.is_until_inferred and lost_until.edge is not null) as is_uncertain
    from keyed
    left join opened
        on
            keyed.hours_of = opened.hours_of
            and keyed.since = opened.since
            and keyed.until = opened.until
    left join spoiled
        on keyed.since = spoiled.since and keyed.until = spoiled.until
    left join lost_edges as lost_since
        on keyed.since = lost_since.edge
    left join lost_edges as lost_until
        on keyed.until = lost_until.edge
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
