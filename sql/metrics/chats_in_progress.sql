-- chats_in_progress: How many chats agents had at once.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: split: the time in which an agent, or several, had the chat
-- units: chats
-- by: department, channel, bot, tag, language, country, hour, weekday
-- follows: Zendesk active chats
-- caveat: null where no recorder vouches for anything
-- edge: a chat of several agents counts once, one set aside not at all; gaps count nowhere
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   chats_mean: mean over the covered time
--   chats_max: the most at once
--   coverage_ratio: for how much of the time a recorder vouches
with had as (
    select
        cell,
        sum(chats_count * (unix_micros(until) - unix_micros(since))) / 1e6 as chats_s,
        max(chats_count) as chats_max
    from cell_levels
    where kind = 'in_progress'
    group by cell
)

select
    cells.date,
    cells.slice,
    coalesce(had.chats_s, 0) / nullif(cells.covered_s, 0) as chats_mean,
    case when cells.covered_s > 0 then coalesce(had.chats_max, 0) end as chats_max,
    cells.coverage_ratio
from cells
left join had
    on cells.cell = had.cell
order by cells.date asc nulls last, cells.slice asc nulls last
