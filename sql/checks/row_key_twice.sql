-- row_key_twice: One row of a recorder is in the archive more than once.
-- grain: one row a recorder, frame and element
select
    recorder,
    seq,
    element,
    'in the archive ' || cast(count(*) as string) || ' times' as why
from events
group by recorder, seq, element
having count(*) > 1
order by recorder asc nulls last, seq asc nulls last, element asc nulls last
