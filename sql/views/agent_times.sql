-- agent_times: How long agents had chats: by the clock, without silences, and in focus.
-- grain: one row a fact of an assignment that has ended
-- columns:
--   fact: assignment_elapsed, assignment_active or assignment_focus
--   happened_at: the assignment's end
--   since: its start
--   until: its end
--   value: seconds: from start to end; without long silences; shared out among the chats had
--   is_since_inferred: the start is that of the version which shows it, not the server's own
--   is_until_inferred: the same of the end
with finished as (
    select
        conversation_id,
        session_no,
        agent_id,
        started_at,
        ended_at,
        is_start_inferred,
        is_end_inferred
    from assignments
    where ended_at is not null
),

said as (
    select
        finished.conversation_id,
        finished.session_no,
        finished.agent_id,
        finished.started_at,
        finished.ended_at,
        messages.sent_at,
        lead(messages.sent_at) over (
            partition by
                finished.conversation_id,
                finished.session_no,
                finished.agent_id,
                finished.started_at
            order by messages.sent_at asc, messages.message_id asc
        ) as next_at
    from finished
    inner join messages
        on
            finished.conversation_id = messages.conversation_id
            and finished.session_no = messages.session_no
            and messages.sent_at >= finished.started_at
            and messages.sent_at <= finished.ended_at
    where messages.is_counted
),

actives as (
    select
        said.conversation_id,
        said.session_no,
        said.agent_id,
        said.started_at,
        sum(
            least(
                (
                    unix_micros(coalesce(said.next_at, said.ended_at)) - unix_micros(said.sent_at)
                ) / 1e6,
                params.pause_limit_s
            )
        ) as active_s
    from said
    cross join params
    group by said.conversation_id, said.session_no, said.agent_id, said.started_at
),

-- Running sums, as exact decimals: the focus of any stretch is the difference of two of them.
focused as (
    select
        agent_id,
        until,
        sum(
            cast(
                coalesce(
                    (unix_micros(until) - unix_micros(since)) / nullif(chats_count, 0), 0
                ) as decimal(38, 6)
            )
        ) over (
            partition by agent_id
            order by since asc
            rows between unbounded preceding and current row
        ) as focus_us
    from agent_levels
),

focuses as (
    select
        engagements.conversation_id,
        engagements.session_no,
        engagements.agent_id,
        engagements.assigned_at,
        cast(sum(lasts.focus_us - coalesce(firsts.focus_us, 0)) as double) / 1e6 as focus_s
    from engagements
    inner join focused as lasts
        on engagements.agent_id = lasts.agent_id and engagements.until = lasts.until
    left join focused as firsts
        on engagements.agent_id = firsts.agent_id and engagements.since = firsts.until
    group by
        engagements.conversation_id,
        engagements.session_no,
        engagements.agent_id,
        engagements.assigned_at
),

measures as (
    select
        finished.*,
        (unix_micros(finished.ended_at) - unix_micros(finished.started_at)) / 1e6 as elapsed_s,
        coalesce(actives.active_s, 0) as active_s,
        coalesce(focuses.focus_s, 0) as focus_s
    from finished
    left join actives
        on
            finished.conversation_id = actives.conversation_id
            and finished.session_no = actives.session_no
            and finished.agent_id = actives.agent_id
            and finished.started_at = actives.started_at
    left join focuses
        on
            finished.conversation_id = focuses.conversation_id
            and finished.session_no = focuses.session_no
            and finished.agent_id = focuses.agent_id
            and finished.started_at = focuses.assigned_at
)

select
    named.fact,
    measures.conversation_id,
    measures.session_no,
    measures.agent_id,
    cast(null as string) as detail,
    measures.ended_at as happened_at,
    measures.started_at as since,
    measures.ended_at as until,
    cast(
        case named.fact
            when 'assignment_elapsed' then measures.elapsed_s
            when 'assignment_active' then measures.active_s
            else measures.focus_s
        end as double
    ) as value,
    measures.is_start_inferred as is_since_inferred,
    measures.is_end_inferred as is_until_inferred
from measures
cross join (
    values ('assignment_elapsed'), ('assignment_active'), ('assignment_focus')
) as named (fact)
