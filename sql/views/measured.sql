-- measured: The facts of the window, each in the cells of the answer that it belongs to.
-- grain: one row a fact and cell
-- columns:
--   cell: key of `cells`
with placed as (
    select
        timed_facts.*,
        quarter_periods.date,
        coalesce(quarter_periods.bucket, slice_stretches.slice, slices.slice) as slice,
        params.breakdown
    from timed_facts
    cross join params
    inner join quarter_periods
        on floor(unix_micros(timed_facts.happened_at) / 9e8) = quarter_periods.quarter_no
    left join slice_stretches
        on
            timed_facts.conversation_id = slice_stretches.conversation_id
            and timed_facts.session_no = slice_stretches.session_no
            and (slice_stretches.since is null or timed_facts.happened_at >= slice_stretches.since)
            and (slice_stretches.until is null or timed_facts.happened_at < slice_stretches.until)
    left join slices
        on timed_facts.agent_id = slices.agent_id
)

select
    coalesce(cast(date as string), '') || '|' || coalesce(
        slice, case when breakdown = 'agent' then '(none)' end, ''
    ) as cell,
    fact,
    conversation_id,
    session_no,
    agent_id,
    detail,
    happened_at,
    since,
    until,
    value,
    seconds,
    open_seconds,
    is_in_gap,
    is_uncertain
from placed
