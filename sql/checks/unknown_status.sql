-- unknown_status: The server says of a chat what we do not know.
-- grain: one row a status
select
    status,
    count(*) as versions_count,
    'neither 50, 100, 150, 200, 300 nor 1000' as why
from request_versions
where status not in (50, 100, 150, 200, 300, 1000)
group by status
order by status asc nulls last
