-- queue_length: How many chats waited for an agent to have them.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: split: the time from requested_at to accepted_at, or the close
-- units: chats; seconds
-- by: department, channel, bot, tag, language, country, hour, weekday
-- follows: Zendesk real-time queue size
-- caveat: live channels only; null where no recorder vouches for anything
-- edge: assigned at once is never in it; after a transfer not again; gaps count nowhere
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   queue_mean: chats waiting, mean over the covered time
--   queue_max: the most at once
--   wait_max_s: the longest that one had waited by then; null if none did
--   coverage_ratio: for how much of the time a recorder vouches
with waited as (
    select
        split_times.cell,
        sum(unix_micros(split_times.until) - unix_micros(split_times.since)) / 1e6 as queue_s,
        max(unix_micros(split_times.until) - unix_micros(waits.requested_at)) / 1e6 as wait_max_s
    from split_times
    inner join waits
        on
            split_times.conversation_id = waits.conversation_id
            and split_times.session_no = waits.session_no
    where split_times.kind = 'queue'
    group by split_times.cell
),

peaks as (
    select
        cell,
        max(chats_count) as queue_max
    from cell_levels
    where kind = 'queue'
    group by cell
)

select
    cells.date,
    cells.slice,
    coalesce(waited.queue_s, 0) / nullif(cells.covered_s, 0) as queue_mean,
    case when cells.covered_s > 0 then coalesce(peaks.queue_max, 0) end as queue_max,
    cast(waited.wait_max_s as double) as wait_max_s,
    cells.coverage_ratio
from cells
left join waited
    on cells.cell = waited.cell
left join peaks
    on cells.cell = peaks.cell
order by cells.date asc nulls last, cells.slice asc nulls last
