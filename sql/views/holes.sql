-- holes: The gaps of the whole recording: what one recorder missed while no other received.
-- grain: one row a gap of a recorder, as far as no recorder vouches for the time
-- columns:
--   starts_at: from, by the server's clock; where another recorder went on, from when it stopped too
--   until: up to; null while it lasts
select
    coalesce(
        coverage.until
        - (unix_micros(gaps.since) - unix_micros(gaps.starts_at)) / 1e6 * interval '1' second,
        gaps.starts_at
    ) as starts_at,
    gaps.until
from gaps
left join coverage
    on gaps.since >= coverage.since and gaps.since < coverage.until
where
    gaps.topic is null
    and (coverage.until is null or gaps.until is null or coverage.until < gaps.until)
