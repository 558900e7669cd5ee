-- gauges: How things are now, in one row: what a dashboard shows.
-- grain: one row
-- caveat: live channels only; times are null where there is nothing to take them of
-- columns:
--   incoming_count: chats that need a human, whom nobody has and nobody has answered
--   assigned_count: chats that an agent has and nobody has answered
--   active_count: chats that a human has answered, not set aside
--   missed_30m_count: chats abandoned in the last 30 minutes: closed unanswered, or silent
--   missed_60m_count: in the last 60
--   waiting_mean_s: how long the incoming ones have waited, mean
--   waiting_max_s: the longest
--   response_mean_s: how long visitors who spoke last in an active chat have waited, mean
--   response_max_s: the longest
--   duration_mean_s: how long ago the active ones were first answered, mean
--   duration_max_s: the longest
--   good_30m_count: ratings of 4 and 5 in the last 30 minutes
--   bad_30m_count: of 1 and 2
--   good_60m_count: of 4 and 5 in the last 60
--   bad_60m_count: of 1 and 2
--   agents_available_count: agents who are available
--   agents_away_count: who are not, but are connected
--   agents_offline_count: the others
--   agents_at_limit_count: available ones who have all the chats they may; null if none has a limit
--   slots_count: chats that the available may have; null if one of them has no limit
--   slots_free_count: how many of those are free
--   bot_held_count: chats that a bot has, and in which no human is needed
--   last_event_at: when the last event was received
--   covered_until: up to when a recorder vouches
with chats as (
    select
        count(case when chats_now.state = 'incoming' then 1 end) as incoming_count,
        count(case when chats_now.state = 'assigned' then 1 end) as assigned_count,
        count(case when chats_now.state = 'active' then 1 end) as active_count,
        count(case when chats_now.state = 'bot' then 1 end) as bot_held_count,
        avg(
            case
                when chats_now.state = 'active'
                    then (
                        unix_micros(params.now_utc) - unix_micros(chats_now.answered_at)
                    ) / 1e6
            end
        ) as duration_mean_s,
        max(
            case
                when chats_now.state = 'active'
                    then (
                        unix_micros(params.now_utc) - unix_micros(chats_now.answered_at)
                    ) / 1e6
            end
        ) as duration_max_s
    from chats_now
    cross join params
    where chats_now.channel_class = 'live'
),

delays as (
    select
        avg(case when state = 'incoming' then waiting_s end) as waiting_mean_s,
        max(case when state = 'incoming' then waiting_s end) as waiting_max_s,
        avg(case when state = 'active' then waiting_s end) as response_mean_s,
        max(case when state = 'active' then waiting_s end) as response_max_s
    from waiting_now
),

missed as (
    select
        count(
            case when waits.abandoned_at > params.now_utc - interval '30' minute then 1 end
        ) as missed_30m_count,
        count(*) as missed_60m_count
    from waits
    cross join params
    where
        waits.abandoned_at > params.now_utc - interval '60' minute
        and waits.abandoned_at <= params.now_utc
),

rated as (
    select
        ratings.rating >= 4 as is_good,
        ratings.rating <= 2 as is_bad,
        ratings.rated_at > params.now_utc - interval '30' minute as is_recent
    from ratings
    cross join params
    where
        ratings.rated_at > params.now_utc - interval '60' minute
        and ratings.rated_at <= params.now_utc
),

stars as (
    select
        count(case when is_good and is_recent then 1 end) as good_30m_count,
        count(case when is_bad and is_recent then 1 end) as bad_30m_count,
        count(case when is_good then 1 end) as good_60m_count,
        count(case when is_bad then 1 end) as bad_60m_count
    from rated
),

people as (
    select
        count(case when state = 'available' then 1 end) as available_count,
        count(case when state = 'away' then 1 end) as away_count,
        count(case when state = 'offline' then 1 end) as offline_count,
        count(case when state = 'available' then chat_limit end) as limited_count,
        count(case when state = 'available' and is_at_limit then 1 end) as at_limit_count,
        coalesce(sum(case when state = 'available' then chat_limit end), 0) as slots_count,
        coalesce(sum(case when state = 'available' then slots_free end), 0) as slots_free_count
    from agents_now
),

received as (
    select max(events.received_at) as last_event_at
    from events
    where events.kind in ('request', 'message', 'agent')
),

vouched as (
    select max(until) as covered_until
    from coverage
)

select
    chats.incoming_count,
    chats.assigned_count,
    chats.active_count,
    missed.missed_30m_count,
    missed.missed_60m_count,
    cast(delays.waiting_mean_s as double) as waiting_mean_s,
    cast(delays.waiting_max_s as double) as waiting_max_s,
    cast(delays.response_mean_s as double) as response_mean_s,
    cast(delays.response_max_s as double) as response_max_s,
    cast(chats.duration_mean_s as double) as duration_mean_s,
    cast(chats.duration_max_s as double) as duration_max_s,
    stars.good_30m_count,
    stars.bad_30m_count,
    stars.good_60m_count,
    stars.bad_60m_count,
    people.available_count as agents_available_count,
    people.away_count as agents_away_count,
    people.offline_count as agents_offline_count,
    case when people.available_count = 0 or people.limited_count > 0 then people.at_limit_count end
        as agents_at_limit_count,
    case
        when people.limited_count = people.available_count
            then cast(people.slots_count as bigint)
    end as slots_count,
    case
        when people.limited_count = people.available_count
            then cast(people.slots_free_count as bigint)
    end as slots_free_count,
    chats.bot_held_count,
    received.last_event_at,
    vouched.covered_until
from chats
cross join delays
cross join missed
cross join stars
cross join people
cross join received
cross join vouched
