-- arrivals_by_hour: How many chats began in each hour of the day.
-- grain: one row a local hour of the day, over the whole window
-- anchor: opened_at of the session
-- units: counts; hours; chats an hour
-- facts: opened
-- follows: Chatwoot conversation traffic, but for each hour of exposure
-- caveat: an hour that a day has twice counts twice as exposure, one that it lacks not at all
-- edge: each reopening counts; what began in a gap is in no rate
-- columns:
--   hour: 0 to 23, local
--   sessions_count: openings
--   exposure_h: hours of this name in the window, up to now, for which the archive has coverage
--   arrivals_per_h: openings in covered time for each hour of exposure; null without exposure
--   coverage_ratio: for how much of such hours, up to now, a recorder vouches
select
    hour,
    cast(sum(sessions_count) as bigint) as sessions_count,
    sum(covered_h) as exposure_h,
    cast(sum(covered_count) as double) / nullif(sum(covered_h), 0) as arrivals_per_h,
    sum(covered_h) / nullif(sum(elapsed_h), 0) as coverage_ratio
from weekday_hours
group by hour
order by hour asc nulls last
