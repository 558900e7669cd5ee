-- bot_containment: Which share of the chats with a bot needed no human.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Chatwoot bot resolution rate
-- caveat: nobody asked the visitor whether the bot helped; who just left may have given up
-- edge: each opening counts by itself; a chat still open is in no figure
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   with_bot_count: closed chats in which a bot took part
--   contained_count: those without a human, and not closed because nobody wrote any more
--   deserted_count: those without a human that were closed because nobody wrote any more
--   handed_count: those in which a human was needed
--   contained_ratio: share of contained
--   deserted_ratio: share of deserted
--   coverage_ratio: for how much of the time a recorder vouches
with ended as (
    select
        measured.cell,
        case
            when waits.handling = 'handed' then 'handed'
            when outcomes.close_reason = 'idle' then 'deserted'
            else 'contained'
        end as ending
    from measured
    inner join waits
        on
            measured.conversation_id = waits.conversation_id
            and measured.session_no = waits.session_no
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    where measured.fact = 'closed' and waits.handling <> 'human'
),

counted as (
    select
        cells.date,
        cells.slice,
        count(ended.ending) as with_bot_count,
        count(case when ended.ending = 'contained' then 1 end) as contained_count,
        count(case when ended.ending = 'deserted' then 1 end) as deserted_count,
        count(case when ended.ending = 'handed' then 1 end) as handed_count,
        cells.coverage_ratio
    from cells
    left join ended
        on cells.cell = ended.cell
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    with_bot_count,
    contained_count,
    deserted_count,
    handed_count,
    cast(contained_count as double) / nullif(with_bot_count, 0) as contained_ratio,
    cast(deserted_count as double) / nullif(with_bot_count, 0) as deserted_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
