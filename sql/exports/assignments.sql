-- assignments: Each stretch of an agent in a session, with all that is known of it.
-- grain: one row an assignment: conversation_id, session_no, agent_id and started_at
-- anchor: started_at
-- caveat: an agent who is added again within a minute has two rows here, and counts once in metrics
-- columns:
--   project_id: the project
--   date: the local day on which it began
--   conversation_id: the chat
--   session_no: which of its sessions
--   agent_id: the agent
--   agent_name: the newest name known, else the id
--   started_at: when the agent got the chat; UTC, as all times
--   is_start_inferred: it is the time of the version that shows it, not the server's own
--   ended_at: null while it lasts
--   is_end_inferred: it is the time of the version that shows it, no close
--   end_reason: close, transfer (another agent took over), leave
--   to_agent_id: who took over
--   to_agent_name: that agent's name
--   channel: how the visitor writes
--   department_id: the chat's last department known
--   first_message_at: the agent's first message in it
--   messages_count: the agent's messages in it, without private notes
--   is_answered: the agent wrote something
--   reaction_s: from started_at to first_message_at; null if started_at lies in a gap and is inferred
--   elapsed_s: from started_at to ended_at; null if an edge lies in a gap and is inferred
--   elapsed_bh_s: the same in opening hours; null if none are given
--   active_s: without long silences; null while it lasts
--   focus_s: shared out among the chats that the agent had at once; null while it lasts
--   is_in_gap: some of it happened while recording had a gap
--   is_uncertain: an edge of it is known only to lie in a gap
with begun as (
    select
        assignments.*,
        days.date,
        params.project_id,
        least(coalesce(assignments.ended_at, params.now_utc), params.now_utc) as last_at
    from assignments
    cross join params
    inner join days
        on assignments.started_at >= days.start_utc and assignments.started_at < days.end_utc
),

times as (
    select
        conversation_id,
        session_no,
        agent_id,
        since,
        max(case when fact = 'assignment_elapsed' then seconds end) as elapsed_s,
        max(case when fact = 'assignment_elapsed' then open_seconds end) as elapsed_bh_s,
        max(case when fact = 'assignment_active' then value end) as active_s,
        max(case when fact = 'assignment_focus' then value end) as focus_s
    from timed_facts
    where fact in ('assignment_elapsed', 'assignment_active', 'assignment_focus')
    group by conversation_id, session_no, agent_id, since
),

said as (
    select
        begun.conversation_id,
        begun.session_no,
        begun.agent_id,
        begun.started_at,
        min(messages.sent_at) as first_message_at,
        count(*) as messages_count
    from begun
    inner join messages
        on
            begun.conversation_id = messages.conversation_id
            and begun.session_no = messages.session_no
            and begun.agent_id = messages.sender_id
            and messages.sent_at >= begun.started_at
            and (begun.ended_at is null or messages.sent_at <= begun.ended_at)
    where messages.is_counted
    group by begun.conversation_id, begun.session_no, begun.agent_id, begun.started_at
),

holed as (
    select
        begun.conversation_id,
        begun.session_no,
        begun.agent_id,
        begun.started_at,
        max(
            case
                when
                    begun.is_start_inferred
                    and begun.started_at > holes.starts_at
                    and (holes.until is null or begun.started_at < holes.until)
                    then 1
                else 0
            end
        ) as start_lost,
        max(
            case
                when
                    begun.is_end_inferred
                    and begun.ended_at > holes.starts_at
                    and (holes.until is null or begun.ended_at < holes.until)
                    then 1
                else 0
            end
        ) as end_lost
    from begun
    inner join holes
        on
            begun.last_at > holes.starts_at
            and (holes.until is null or begun.started_at < holes.until)
    group by begun.conversation_id, begun.session_no, begun.agent_id, begun.started_at
)

select
    begun.project_id,
    begun.date,
    begun.conversation_id,
    begun.session_no,
    begun.agent_id,
    agents.agent_name,
    begun.started_at,
    begun.is_start_inferred,
    begun.ended_at,
    begun.is_end_inferred,
    begun.end_reason,
    begun.to_agent_id,
    heirs.agent_name as to_agent_name,
    conversations.channel,
    conversations.department_id,
    said.first_message_at,
    coalesce(said.messages_count, 0) as messages_count,
    said.first_message_at is not null as is_answered,
    case
        when coalesce(holed.start_lost, 0) = 0
            then
                cast(
                    (unix_micros(said.first_message_at) - unix_micros(begun.started_at)) / 1e6
                    as double
                )
    end as reaction_s,
    times.elapsed_s,
    times.elapsed_bh_s,
    times.active_s,
    times.focus_s,
    holed.conversation_id is not null as is_in_gap,
    coalesce(holed.start_lost + holed.end_lost > 0, false) as is_uncertain
from begun
inner join conversations
    on begun.conversation_id = conversations.conversation_id
inner join agents
    on begun.agent_id = agents.agent_id
left join agents as heirs
    on begun.to_agent_id = heirs.agent_id
left join said
    on
        begun.conversation_id = said.conversation_id
        and begun.session_no = said.session_no
        and begun.agent_id = said.agent_id
        and begun.started_at = said.started_at
left join times
    on
        begun.conversation_id = times.conversation_id
        and begun.session_no = times.session_no
        and begun.agent_id = times.agent_id
        and begun.started_at = times.since
left join holed
    on
        begun.conversation_id = holed.conversation_id
        and begun.session_no = holed.session_no
        and begun.agent_id = holed.agent_id
        and begun.started_at = holed.started_at
order by
    begun.started_at asc nulls last,
    begun.conversation_id asc nulls last,
    begun.session_no asc nulls last,
    begun.agent_id asc nulls last
