-- wait_times: How long visitors waited for somebody.
-- grain: one row a fact of a session
-- columns:
--   fact: what was timed
--   agent_id: whom it is credited to; null if nobody
--   detail: what the wait came to, where it may come to several things
--   happened_at: the instant that puts it into a window
--   since: from
--   until: to; null while it lasts
--   value: null: these are times between two instants
--   is_since_inferred: `since` is that of the first version which shows it, not the server's own
--   is_until_inferred: the same of `until`
with heirs as (
    select
        leaver.conversation_id,
        leaver.session_no,
        leaver.ended_at as left_at,
        leaver.is_end_inferred as is_left_inferred,
        heir.agent_id,
        -- An heir who joined before the other left has kept nobody waiting.
        greatest(heir.started_at, leaver.ended_at) as taken_at,
        heir.is_start_inferred and heir.started_at > leaver.ended_at as is_taken_inferred
    from assignments as leaver
    inner join assignments as heir
        on
            leaver.conversation_id = heir.conversation_id
            and leaver.session_no = heir.session_no
            and leaver.to_agent_id = heir.agent_id
            and leaver.to_started_at = heir.started_at
    where leaver.end_reason = 'transfer'
),

-- Who asked has left, is with an agent, or waits still: then the wait is as long as it is by now.
queued as (
    select
        waits.*,
        least(accepted_at, answered_at) as served_at,
        params.now_utc
    from waits
    cross join params
    where is_waiting
),

timed as (
    select
        'first_response_human' as fact,
        conversation_id,
        session_no,
        answered_by as agent_id,
        cast(null as string) as detail,
        answered_at as happened_at,
        requested_at as since,
        answered_at as until,
        is_request_inferred as is_since_inferred,
        false as is_until_inferred
    from queued
    where answered_at is not null
    union all
    select
        'first_response_customer' as fact,
        conversation_id,
        session_no,
        answered_by as agent_id,
        cast(null as string) as detail,
        answered_at as happened_at,
        visitor_at as since,
        answered_at as until,
        false as is_since_inferred,
        false as is_until_inferred
    from queued
    where answered_at >= visitor_at
    union all
    select
        'queue_time' as fact,
        conversation_id,
        session_no,
        cast(null as string) as agent_id,
        case
            when accepted_at is not null then 'accepted'
            when closed_at is not null then 'left'
            else 'waiting'
        end as detail,
        requested_at as happened_at,
        requested_at as since,
        coalesce(accepted_at, closed_at) as until,
        is_request_inferred as is_since_inferred,
        case when accepted_at is null then is_close_inferred else is_accept_inferred end
            as is_until_inferred
    from queued
    union all
    select
        'speed_to_accept' as fact,
        conversation_id,
        session_no,
        accepted_by as agent_id,
        cast(null as string) as detail,
        accepted_at as happened_at,
        requested_at as since,
        accepted_at as until,
        is_request_inferred as is_since_inferred,
        is_accept_inferred as is_until_inferred
    from queued
    where accepted_at is not null
    union all
    select
        'resolution_time' as fact,
        conversation_id,
        session_no,
        cast(null as string) as agent_id,
        cast(null as string) as detail,
        closed_at as happened_at,
        requested_at as since,
        closed_at as until,
        is_request_inferred as is_since_inferred,
        is_close_inferred as is_until_inferred
    from queued
    where closed_at is not null
    union all
    select
        'service_level' as fact,
        conversation_id,
        session_no,
        answered_by as agent_id,
        case
            when answered_at is not null then 'answered'
            when abandoned_at is not null then 'abandoned'
            else 'waiting'
        end as detail,
        requested_at as happened_at,
        requested_at as since,
        coalesce(answered_at, abandoned_at, greatest(requested_at, now_utc)) as until,
        is_request_inferred as is_since_inferred,
        answered_at is null and closed_at is not null and is_close_inferred as is_until_inferred
    from queued
    union all
    select
        'patience' as fact,
        conversation_id,
        session_no,
        cast(null as string) as agent_id,
        case
            when served_at is not null then 'served'
            when abandoned_at is not null then 'left'
            else 'waiting'
        end as detail,
        requested_at as happened_at,
        requested_at as since,
        coalesce(served_at, abandoned_at, greatest(requested_at, now_utc)) as until,
        is_request_inferred as is_since_inferred,
        case
            when served_at is null then closed_at is not null and is_close_inferred
            else
                accepted_at is null
                or is_accept_inferred
                or coalesce(answered_at < accepted_at, false)
        end as is_until_inferred
    from queued
    union all
    select
        'transfer_wait' as fact,
        conversation_id,
        session_no,
        agent_id,
        cast(null as string) as detail,
        taken_at as happened_at,
        left_at as since,
        taken_at as until,
        is_left_inferred as is_since_inferred,
        is_taken_inferred as is_until_inferred
    from heirs
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
    cast(null as double) as value,
    is_since_inferred,
    is_until_inferred
from timed
