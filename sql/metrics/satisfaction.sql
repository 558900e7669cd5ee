-- satisfaction: How visitors rated the chats.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: the rating; for response_ratio, closed_at of the session
-- units: 1 to 5; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: closed, rated
-- follows: Zendesk satisfaction; good is 4 and 5
-- caveat: a rating may come days later, so the number of a recent day still moves
-- edge: a chat has one rating, the last one given, however often it is reopened
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   rated_count: chats rated
--   mean_rating: mean
--   good_ratio: share of 4 and 5
--   rating_1_count: how many 1
--   rating_2_count: how many 2
--   rating_3_count: how many 3
--   rating_4_count: how many 4
--   rating_5_count: how many 5
--   response_ratio: share of the chats closed that day, with a human in them, that were ever rated
--   coverage_ratio: for how much of the time a recorder vouches
with asked as (
    select
        measured.cell,
        case when measured.fact = 'rated' then measured.value end as rating,
        case
            when measured.fact = 'closed' and outcomes.had_agent
                then case when outcomes.is_rated then 1 else 0 end
        end as responded
    from measured
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    where measured.fact in ('closed', 'rated')
)

select
    cells.date,
    cells.slice,
    count(asked.rating) as rated_count,
    avg(asked.rating) as mean_rating,
    count(case when asked.rating >= 4 then 1 end)
    / nullif(cast(count(asked.rating) as double), 0) as good_ratio,
    count(case when asked.rating = 1 then 1 end) as rating_1_count,
    count(case when asked.rating = 2 then 1 end) as rating_2_count,
    count(case when asked.rating = 3 then 1 end) as rating_3_count,
    count(case when asked.rating = 4 then 1 end) as rating_4_count,
    count(case when asked.rating = 5 then 1 end) as rating_5_count,
    avg(cast(asked.responded as double)) as response_ratio,
    cells.coverage_ratio
from cells
left join asked
    on cells.cell = asked.cell
group by cells.date, cells.slice, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
