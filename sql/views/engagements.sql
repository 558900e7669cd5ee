-- engagements: When an agent had a chat that was not set aside: what counts as work on it.
-- grain: one row a stretch of an assignment, cut where others came to the chat or left it
-- caveat: what lasts ends now
-- columns:
--   assigned_at: when the assignment began, its key with chat, session and agent
--   since: from
--   until: up to
select
    assignments.conversation_id,
    assignments.session_no,
    assignments.agent_id,
    assignments.started_at as assigned_at,
    chat_levels.since,
    chat_levels.until
from assignments
inner join chat_levels
    on
        assignments.conversation_id = chat_levels.conversation_id
        and assignments.session_no = chat_levels.session_no
        and chat_levels.since >= assignments.started_at
        and (assignments.ended_at is null or chat_levels.since < assignments.ended_at)
where not chat_levels.is_pending
