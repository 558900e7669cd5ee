-- ratings: The visitor's rating of a chat: the last one given.
-- grain: one row a rated chat
-- columns:
--   rating: 1 to 5
--   rated_at: the version that first shows it; the close, if the first version seen has it already
with versions as (
    select
        request_versions.conversation_id,
        request_versions.version_no,
        request_versions.version_at,
        request_versions.closed_at,
        request_versions.rating,
        lag(request_versions.rating) over (
            partition by request_versions.conversation_id
            order by request_versions.version_no asc
        ) as before_rating
    from request_versions
    inner join conversations
        on request_versions.conversation_id = conversations.conversation_id
),

changes as (
    select
        conversation_id,
        rating,
        case when version_no = 1 then coalesce(closed_at, version_at) else version_at end
            as rated_at,
        row_number() over (partition by conversation_id order by version_no desc) as rank
    from versions
    where
        rating is not null
        and (before_rating is null or before_rating <> rating)
)

select
    conversation_id,
    rating,
    rated_at
from changes
where rank = 1
