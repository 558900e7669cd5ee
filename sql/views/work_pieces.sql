-- work_pieces: Agents' work on live chats, by what an answer is broken down into.
-- grain: one row a stretch of work and slice
-- columns:
--   slice: null if nothing is broken down
--   since: from
--   until: up to
--   is_end: the agent was done with the chat at its end
select
    work.conversation_id,
    work.session_no,
    work.agent_id,
    slice_stretches.slice,
    greatest(work.since, slice_stretches.since) as since,
    least(work.until, slice_stretches.until) as until,
    work.is_end and work.until <= coalesce(slice_stretches.until, work.until) as is_end
from work
left join slice_stretches
    on
        work.conversation_id = slice_stretches.conversation_id
        and work.session_no = slice_stretches.session_no
        and work.until > coalesce(slice_stretches.since, work.since)
        and work.since < coalesce(slice_stretches.until, work.until)
