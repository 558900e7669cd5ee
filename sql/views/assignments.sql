-- assignments: Who had a chat, from when to when. Several agents may have it at once.
-- caveat: the server stamps assigned_at up to 0.1 s after the updatedAt of the same change
-- grain: one row an uninterrupted stretch of one agent in a session
-- columns:
--   agent_id: the agent
--   started_at: the server's assigned_at if this change set it, else the version
--   is_start_inferred: no assigned_at tells it, or one in a gap, which may be another's
--   ended_at: the first version without the agent, or the close; null while it lasts
--   is_end_inferred: the version tells it, no close
--   end_reason: close, transfer (another agent took over), leave; null while it lasts
--   to_agent_id: who took over
--   to_started_at: since when that agent had it, be it before
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
        lead(is_closed) over (partition by conversation_id, session_no order by state_no asc)
            as closes_next,
        lead(agents) over (partition by conversation_id, session_no order by state_no asc)
            as after_agents,
        opened_at,
        closed_at,
        assigned_at,
        agents
    from session_versions
    where agents is not null
),

seats as (
    select distinct
        conversation_id,
        session_no,
        state_no,
        explode(agents) as agent_id
    from states
),

islands as (
    select
        seats.conversation_id,
        seats.session_no,
        seats.agent_id,
        seats.state_no,
        seats.state_no - row_number() over (
            partition by seats.conversation_id, seats.session_no, seats.agent_id
            order by seats.state_no asc
        ) as island
    from seats
    inner join conversations
        on seats.conversation_id = conversations.conversation_id
    where
        seats.agent_id is not null
        and (conversations.lead_id is null or conversations.lead_id <> seats.agent_id)
),

stretches as (
    select
        conversation_id,
        session_no,
        agent_id,
        min(state_no) as first_no,
        max(state_no) as last_no
    from islands
    group by conversation_id, session_no, agent_id, island
),

timed as (
    select
        stretches.conversation_id,
        stretches.session_no,
        stretches.agent_id,
        case
            when
                firsts.assigned_at >= coalesce(firsts.before_at, firsts.opened_at)
                and firsts.assigned_at <= coalesce(firsts.after_at, firsts.closed_at, firsts.assigned_at)
                and (
                    firsts.before_assigned_at is null
                    or firsts.before_assigned_at <> firsts.assigned_at
                )
                then firsts.assigned_at
        end as told_at,
        firsts.state_at,
        lasts.after_at,
        lasts.closed_at,
        -- A close ends what it still shows; across a gap somebody else may have had the chat then.
        coalesce(
            lasts.closes_next and array_contains(lasts.after_agents, stretches.agent_id), false
        ) as is_ended_by_close
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
),

dated as (
    select
        conversation_id,
        session_no,
        agent_id,
        told_at,
        coalesce(told_at, state_at) as started_at,
        case when is_ended_by_close then closed_at else coalesce(after_at, closed_at) end
            as ended_at,
        after_at is not null and not is_ended_by_close as was_removed
    from timed
),

-- After a gap the last assigned_at is known only, which a reassignment does not change.
blind as (
    select distinct
        dated.conversation_id,
        dated.session_no,
        dated.agent_id,
        dated.told_at
    from dated
    inner join holes
        on
            dated.told_at > holes.starts_at
            and (holes.until is null or dated.told_at < holes.until)
),

-- Who was there first has not taken over. Of those who joined and stay, the last one has; if
-- nobody had joined, the first to come has.
successors as (
    select
        leaver.conversation_id,
        leaver.session_no,
        leaver.agent_id,
        leaver.started_at,
        heir.agent_id as to_agent_id,
        heir.started_at as to_started_at,
        row_number() over (
            partition by
                leaver.conversation_id,
                leaver.session_no,
                leaver.agent_id,
                leaver.started_at
            order by
                heir.started_at <= leaver.ended_at desc,
                case
                    when heir.started_at <= leaver.ended_at then heir.started_at
                end desc nulls last,
                heir.started_at asc,
                heir.agent_id asc
        ) as rank
    from dated as leaver
    inner join dated as heir
        on
            leaver.conversation_id = heir.conversation_id
            and leaver.session_no = heir.session_no
            and leaver.agent_id <> heir.agent_id
            and heir.started_at > leaver.started_at
            and heir.started_at < leaver.ended_at + interval '60' second
            and (heir.ended_at is null or heir.ended_at > leaver.ended_at)
    where leaver.was_removed
)

select
    dated.conversation_id,
    dated.session_no,
    dated.agent_id,
    dated.started_at,
    dated.told_at is null or blind.told_at is not null as is_start_inferred,
    dated.ended_at,
    dated.was_removed as is_end_inferred,
    case
        when dated.ended_at is null then null
        when not dated.was_removed then 'close'
        when successors.to_agent_id is not null then 'transfer'
        else 'leave'
    end as end_reason,
    successors.to_agent_id,
    successors.to_started_at
from dated
left join blind
    on
        dated.conversation_id = blind.conversation_id
        and dated.session_no = blind.session_no
        and dated.agent_id = blind.agent_id
        and dated.told_at = blind.told_at
left join successors
    on
        dated.conversation_id = successors.conversation_id
        and dated.session_no = successors.session_no
        and dated.agent_id = successors.agent_id
        and dated.started_at = successors.started_at
        and successors.rank = 1
