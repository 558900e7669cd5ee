-- facts: Everything that happened or was timed, in one form.
-- grain: one row a fact
-- columns:
--   fact: what
--   agent_id: whom it is credited to; null if nobody
--   detail: which kind of it; null if there is one only
--   happened_at: the instant that puts it into a window
--   since: from; null if it has no duration
--   until: to; null while it lasts
--   value: a figure that is no time between two instants: seconds added up, stars, characters
--   is_since_inferred: `since` is that of the first version which shows it, not the server's own
--   is_until_inferred: the same of `until`
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    is_since_inferred,
    is_until_inferred
from wait_times
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    is_since_inferred,
    is_until_inferred
from talk_times
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    is_since_inferred,
    is_until_inferred
from handle_times
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    value,
    false as is_since_inferred,
    false as is_until_inferred
from happenings
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    cast(null as timestamp) as since,
    cast(null as timestamp) as until,
    value,
    false as is_since_inferred,
    false as is_until_inferred
from writings
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    cast(null as double) as value,
    is_since_inferred,
    is_until_inferred
from assignment_ends
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    is_since_inferred,
    is_until_inferred
from agent_times
union all
select
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    cast(null as double) as value,
    is_since_inferred,
    is_until_inferred
from agent_doings
