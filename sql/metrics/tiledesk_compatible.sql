-- tiledesk_compatible: The figures that Tiledesk's own analytics shows, by its own formulas.
-- grain: one row for the window
-- anchor: createdAt of the chat, whenever it closed; createdAt of the message
-- units: milliseconds; rating 1 to 5
-- params: start_utc, end_utc
-- follows: Tiledesk's analytics pages
-- caveat: a bot's reply ends a wait, a reopened chat lasts from its creation, drafts count
-- edge: transfers start its waiting time anew; idle closes are in its duration; a gap shows nowhere
-- columns:
--   requests_count: chats created
--   waiting_time_avg_ms: mean of the waiting times that the server stored
--   duration_avg_ms: mean time from creation to the newest close, even if open again
--   satisfaction_avg: mean rating
--   messages_count: messages, those of the system among them
with requests as (
    select
        count(*) as requests_count,
        avg(waiting_ms) as waiting_time_avg_ms,
        avg(duration_ms) as duration_avg_ms,
        avg(rating) as satisfaction_avg
    from tiledesk_chats
    cross join params
    where
        tiledesk_chats.created_at >= params.start_utc
        and tiledesk_chats.created_at < params.end_utc
),

written as (
    select count(*) as messages_count
    from received_messages as sent
    cross join params
    where
        sent.sent_at >= params.start_utc
        and sent.sent_at < params.end_utc
)

select
    requests.requests_count,
    requests.waiting_time_avg_ms,
    requests.duration_avg_ms,
    requests.satisfaction_avg,
    written.messages_count
from requests
cross join written
