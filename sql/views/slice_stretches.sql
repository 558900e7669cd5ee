-- slice_stretches: To which slice a session belongs, if answers are broken down by a trait of chats.
-- grain: one row a session and slice, and stretch of time for which it was so
-- caveat: a chat with several tags is in several slices
-- columns:
--   slice: the department's, bot's or tag's name; `(none)` where there is none
--   since: from when; null: from the beginning
--   until: up to when; null: to the end
with names as (
    select
        department_id,
        max_by(department_name, version_at) as department_name
    from request_versions
    where department_id is not null and department_name is not null
    group by department_id
),

departments as (
    select
        sessions.conversation_id,
        sessions.session_no,
        coalesce(names.department_name, stretches.department_id, '(none)') as slice,
        lag(stretches.ended_at) over (
            partition by sessions.conversation_id, sessions.session_no
            order by stretches.started_at asc
        ) as since,
        case
            when
                lead(stretches.started_at) over (
                    partition by sessions.conversation_id, sessions.session_no
                    order by stretches.started_at asc
                ) is not null
                then stretches.ended_at
        end as until
    from sessions
    left join department_stretches as stretches
        on
            sessions.conversation_id = stretches.conversation_id
            and sessions.session_no = stretches.session_no
    left join names
        on stretches.department_id = names.department_id
    where (select params.breakdown from params) = 'department'
),

tagged as (
    select
        conversation_id,
        explode(tags) as tag
    from conversations
    where size(tags) > 0
),

traits as (
    select
        sessions.conversation_id,
        sessions.session_no,
        coalesce(
            case params.breakdown
                when 'channel' then conversations.channel
                when 'language' then conversations.language
                when 'country' then conversations.country
                when 'bot' then waits.handling
                when 'tag' then tagged.tag
            end,
            '(none)'
        ) as slice
    from sessions
    cross join params
    inner join conversations
        on sessions.conversation_id = conversations.conversation_id
    left join waits
        on
            params.breakdown = 'bot'
            and sessions.conversation_id = waits.conversation_id
            and sessions.session_no = waits.session_no
    left join tagged
        on
            params.breakdown = 'tag'
            and sessions.conversation_id = tagged.conversation_id
    where params.breakdown in ('channel', 'language', 'country', 'bot', 'tag')
)

select
    departments.conversation_id,
    departments.session_no,
    departments.slice,
    departments.since,
    departments.until
from departments
cross join params
where params.breakdown = 'department'
union all
select distinct
    conversation_id,
    session_no,
    slice,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until
from traits
