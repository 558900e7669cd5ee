-- tiledesk_compatible: The figures that Tiledesk's own analytics shows, by its own formulas.
-- grain: one row for the window
-- anchor: createdAt of the chat, whenever it closed; createdAt of the message
-- units: milliseconds; rating 1 to 5
-- params: start_utc, end_utc
-- caveat: a bot's reply ends a wait, a reopened chat lasts from its creation, drafts count
-- columns:
--   requests_count: chats created
--   waiting_time_avg_ms: mean of the waiting times that the server stored
--   duration_avg_ms: mean time from creation to the newest close, even if open again
--   satisfaction_avg: mean rating
--   messages_count: messages, those of the system among them
with newest as (
    select
        conversation_id,
        created_at,
        preflight,
        waiting_time_ms,
        rating,
        row_number() over (partition by conversation_id order by version_no desc) as rank
    from request_versions
),

closes as (
    select
        conversation_id,
        max(closed_at) as closed_at
    from close_details
    group by conversation_id
),

requests as (
    select
        count(*) as requests_count,
        avg(newest.waiting_time_ms) as waiting_time_avg_ms,
        avg((unix_micros(closes.closed_at) - unix_micros(newest.created_at)) / 1e3)
            as duration_avg_ms,
        avg(newest.rating) as satisfaction_avg
    from newest
    cross join params
    left join closes
        on newest.conversation_id = closes.conversation_id
    where
        newest.rank = 1
        and not coalesce(newest.preflight, false)
        and newest.created_at >= params.start_utc
        and newest.created_at < params.end_utc
),

written as (
    select count(distinct events.entity_id) as messages_count
    from events
    cross join params
    where
        events.kind = 'message'
        and events.created_at >= params.start_utc
        and events.created_at < params.end_utc
)

select
    requests.requests_count,
    requests.waiting_time_avg_ms,
    requests.duration_avg_ms,
    requests.satisfaction_avg,
    written.messages_count
from requests
cross join written
