-- satisfaction: How visitors rated the chats.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the rating; for response_ratio, closed_at of the session
-- units: 1 to 5; ratio 0 to 1
-- caveat: a rating may come days later, so the number of a recent day still moves
-- columns:
--   date: the local day
--   rated_count: chats rated
--   mean_rating: mean
--   good_ratio: share of 4 and 5
--   rating_1_count: how many 1
--   rating_2_count: how many 2
--   rating_3_count: how many 3
--   rating_4_count: how many 4
--   rating_5_count: how many 5
--   response_ratio: share of the chats closed that day, with a human in them, that were ever rated
with rated as (
    select
        periods.date,
        count(ratings.rating) as rated_count,
        avg(ratings.rating) as mean_rating,
        avg(
            case
                when ratings.rating >= 4 then cast(1 as double)
                when ratings.rating < 4 then cast(0 as double)
            end
        ) as good_ratio,
        count(case when ratings.rating = 1 then 1 end) as rating_1_count,
        count(case when ratings.rating = 2 then 1 end) as rating_2_count,
        count(case when ratings.rating = 3 then 1 end) as rating_3_count,
        count(case when ratings.rating = 4 then 1 end) as rating_4_count,
        count(case when ratings.rating = 5 then 1 end) as rating_5_count
    from periods
    left join ratings
        on ratings.rated_at >= periods.start_utc and ratings.rated_at < periods.end_utc
    group by periods.date
),

closed as (
    select
        sessions.conversation_id,
        sessions.closed_at,
        case when ratings.conversation_id is null then 0 else 1 end as is_rated
    from sessions
    left join ratings
        on sessions.conversation_id = ratings.conversation_id
    inner join (
        select distinct
            conversation_id,
            session_no
        from assignments
    ) as seated
        on
            sessions.conversation_id = seated.conversation_id
            and sessions.session_no = seated.session_no
),

responses as (
    select
        periods.date,
        avg(cast(closed.is_rated as double)) as response_ratio
    from periods
    left join closed
        on closed.closed_at >= periods.start_utc and closed.closed_at < periods.end_utc
    group by periods.date
)

select
    rated.date,
    rated.rated_count,
    rated.mean_rating,
    rated.good_ratio,
    rated.rating_1_count,
    rated.rating_2_count,
    rated.rating_3_count,
    rated.rating_4_count,
    rated.rating_5_count,
    responses.response_ratio
from rated
inner join responses
    on
        rated.date = responses.date
        or (rated.date is null and responses.date is null)
order by rated.date asc nulls last
