-- dropped_chats: How many chats ended with a visitor whom nobody answered any more.
-- grain: one row a local day; with two days or more, one for the whole window (date null)
-- anchor: closed_at of the session
-- units: counts; ratio 0 to 1
-- by: department, channel, bot, tag, language, country, hour, weekday
-- facts: closed
-- follows: Zendesk dropped chats
-- caveat: a visitor's last word may be thanks: not each of them waited for a reply
-- edge: each opening counts by itself; what was written after the close does not
-- columns:
--   date: the local day
--   slice: what it is broken down by
--   answered_count: closed chats in which an agent had replied
--   dropped_count: those of them in which the visitor spoke last
--   dropped_by_visitor_count: of the latter, those that the visitor closed
--   dropped_auto_count: those that nobody closed in person: idle, by a rule, a bot, the system
--   dropped_ratio: share of the dropped
--   coverage_ratio: for how much of the time a recorder vouches
with answered as (
    select
        measured.cell,
        outcomes.close_reason,
        case when outcomes.last_turn_role = 'visitor' then 1 end as is_dropped
    from measured
    inner join outcomes
        on
            measured.conversation_id = outcomes.conversation_id
            and measured.session_no = outcomes.session_no
    where measured.fact = 'closed' and outcomes.agent_turns_count > 0
),

counted as (
    select
        cells.date,
        cells.slice,
        count(answered.cell) as answered_count,
        count(answered.is_dropped) as dropped_count,
        count(
            case when answered.close_reason = 'visitor' then answered.is_dropped end
        ) as dropped_by_visitor_count,
        count(
            case
                when answered.close_reason in ('idle', 'trigger', 'bot', 'system')
                    then answered.is_dropped
            end
        ) as dropped_auto_count,
        cells.coverage_ratio
    from cells
    left join answered
        on cells.cell = answered.cell
    group by cells.date, cells.slice, cells.coverage_ratio
)

select
    date,
    slice,
    answered_count,
    dropped_count,
    dropped_by_visitor_count,
    dropped_auto_count,
    cast(dropped_count as double) / nullif(answered_count, 0) as dropped_ratio,
    coverage_ratio
from counted
order by date asc nulls last, slice asc nulls last
