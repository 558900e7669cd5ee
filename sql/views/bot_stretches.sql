-- bot_stretches: Which bot had a chat, from when to when.
-- caveat: the server stamps assigned_at up to 0.1 s after the updatedAt of the same change
-- grain: one row an uninterrupted stretch of one bot in a session
-- columns:
--   bot_id: the bot, without `bot_`
--   started_at: the server's assigned_at if this change set it, else the version
--   ended_at: the first version without the bot, or the close; null while it lasts
with states as (
    select
        conversation_id,
        session_no,
        row_number() over (partition by conversation_id, session_no order by state_no asc)
            as state_no,
        state_at,
        lag(state_at) over (partition by conversation_id, session_no order by state_no asc)
            as before_at,
        lead(state_at) over (partition by conversation_id, session_no order by state_no asc)
            as after_at,
        lag(assigned_at) over (partition by conversation_id, session_no order by state_no asc)
            as before_assigned_at,
        opened_at,
        closed_at,
        assigned_at,
        bots
    from session_versions
    where bots is not null
),

seats as (
    select distinct
        conversation_id,
        session_no,
        state_no,
        explode(bots) as bot_id
    from states
),

islands as (
    select
        seats.*,
        state_no - row_number() over (
            partition by conversation_id, session_no, bot_id
            order by state_no asc
        ) as island
    from seats
    where bot_id is not null
),

stretches as (
    select
        conversation_id,
        session_no,
        bot_id,
        min(state_no) as first_no,
        max(state_no) as last_no
    from islands
    group by conversation_id, session_no, bot_id, island
)

select
    stretches.conversation_id,
    stretches.session_no,
    stretches.bot_id,
    case
        when
            firsts.assigned_at >= coalesce(firsts.before_at, firsts.opened_at)
            and firsts.assigned_at <= coalesce(firsts.after_at, firsts.closed_at, firsts.assigned_at)
            and (
                firsts.before_assigned_at is null
                or firsts.before_assigned_at <> firsts.assigned_at
            )
            then firsts.assigned_at
        else firsts.state_at
    end as started_at,
    coalesce(lasts.after_at, lasts.closed_at) as ended_at
from stretches
inner join states as firsts
    on
        stretches.conversation_id = firsts.conversation_id
        and stretches.session_no = firsts.session_no
        and stretches.first_no = firsts.state_no
inner join states as lasts
    on
        stretches.conversation_id = lasts.conversation_id
        and stretches.session_no = lasts.session_no
        and stretches.last_no = lasts.state_no
