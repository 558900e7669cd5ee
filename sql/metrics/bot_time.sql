-- bot_time: How long bots had chats, without a human.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: split: each second counts in the day in which it lies
-- units: seconds; counts
-- by: department, channel, bot, tag, language, country, hour, weekday
-- follows: Intercom, which takes this time out of its figures
-- caveat: null where no recorder vouches for anything
-- edge: not while a human had it too; two bots at once count once; gaps count nowhere
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   bot_s: seconds of chats
--   chats_count: distinct chats
--   coverage_ratio: for how much of the time a recorder vouches
select
    cells.date,
    cells.slice,
    case
        when cells.covered_s > 0
            then cast(
                coalesce(
                    sum(unix_micros(split_times.until) - unix_micros(split_times.since)), 0
                ) / 1e6 as double
            )
    end as bot_s,
    case when cells.covered_s > 0 then count(distinct split_times.conversation_id) end
        as chats_count,
    cells.coverage_ratio
from cells
left join split_times
    on cells.cell = split_times.cell and split_times.kind = 'bot'
group by cells.date, cells.slice, cells.covered_s, cells.coverage_ratio
order by cells.date asc nulls last, cells.slice asc nulls last
