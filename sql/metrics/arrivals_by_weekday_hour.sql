-- arrivals_by_weekday_hour: How many chats began in each hour of the week.
-- grain: one row a weekday of the window and local hour, over the whole window
-- anchor: opened_at of the session
-- units: counts; hours; chats an hour
-- facts: opened
-- follows: Chatwoot conversation traffic, but for each hour of exposure
-- caveat: an hour that a day has twice counts twice as exposure, one that it lacks not at all
-- edge: each reopening counts; what began in a gap is in no rate
-- columns:
--   weekday: 1 Monday to 7
--   hour: 0 to 23, local
--   sessions_count: openings
--   exposure_h: hours of this weekday and name in the window, up to now, that were recorded
--   arrivals_per_h: openings in covered time for each hour of exposure; null without exposure
--   coverage_ratio: for how much of such hours, up to now, a recorder vouches
select
    weekday,
    hour,
    sessions_count,
    covered_h as exposure_h,
    covered_count / nullif(covered_h, 0) as arrivals_per_h,
    covered_h / nullif(elapsed_h, 0) as coverage_ratio
from weekday_hours
order by weekday asc nulls last, hour asc nulls last
