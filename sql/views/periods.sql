-- periods: What a report has rows for: each local day, and the window itself if it has several.
-- grain: one row a local day of the window; with two days or more, one for the whole window
-- columns:
--   date: the local day; null for the whole window
--   start_utc: its first instant
--   end_utc: the first instant after it
select
    date,
    start_utc,
    end_utc
from days
union all
select
    cast(null as date) as date,
    min(start_utc) as start_utc,
    max(end_utc) as end_utc
from days
having count(*) > 1
