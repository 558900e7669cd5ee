-- patience: Which share of visitors would still be waiting after how long, if nobody served them.
-- grain: one row a length of wait after which somebody gave up
-- anchor: requested_at, when a human was first needed
-- units: seconds; counts; ratio 0 to 1
-- params: start_utc, end_utc
-- facts: patience
-- follows: the Kaplan-Meier estimator
-- caveat: who was served, or waits still, is counted up to then; live channels only
-- edge: each opening counts; a transfer does not; a wait whose edge a gap hides is left out
-- columns:
--   wait_s: the wait
--   at_risk_count: visitors who waited so long or longer
--   left_count: those who gave up after just so long
--   still_waiting_ratio: the share that has more patience
with ended as (
    select
        timed_facts.seconds as wait_s,
        count(*) as ended_count,
        count(case when timed_facts.detail = 'left' then 1 end) as left_count
    from timed_facts
    cross join params
    where
        timed_facts.fact = 'patience'
        and timed_facts.seconds is not null
        and timed_facts.happened_at >= params.start_utc
        and timed_facts.happened_at < params.end_utc
    group by timed_facts.seconds
),

ranked as (
    select
        wait_s,
        left_count,
        sum(ended_count) over (
            order by wait_s desc
            rows between unbounded preceding and current row
        ) as at_risk_count
    from ended
),

-- The share is a product, told as a sum of logarithms; after the last one nobody is left.
steps as (
    select
        wait_s,
        left_count,
        at_risk_count,
        case
            when left_count < at_risk_count
                then ln((at_risk_count - left_count) / nullif(cast(at_risk_count as double), 0))
        end as step
    from ranked
    where left_count > 0
)

select
    wait_s,
    cast(at_risk_count as bigint) as at_risk_count,
    left_count,
    case
        when step is null then cast(0 as double)
        else
            exp(
                sum(step) over (
                    order by wait_s asc
                    rows between unbounded preceding and current row
                )
            )
    end as still_waiting_ratio
from steps
order by wait_s asc nulls last
