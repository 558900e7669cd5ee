-- The built-ins of Apache Spark that the queries use, as DuckDB macros: one SQL text runs on both.
-- Spark and Sail have these functions; only DuckDB reads this file.

create or replace temp macro explode(list) as unnest(list);

-- DuckDB's own max_by passes over null values, Spark's does not.
create or replace temp macro max_by(x, moment) as arg_max_null(x, moment);

create or replace temp macro min_by(x, moment) as arg_min_null(x, moment);

create or replace temp macro size(list) as len(list);

create or replace temp macro collect_set(x) as list(distinct x);

-- DuckDB's own list keeps null values, and is null without a row.
create or replace temp macro collect_list(x) as coalesce(list(x) filter (x is not null), []);

create or replace temp macro sort_array(list) as list_sort(list);

create or replace temp macro unix_micros(moment) as epoch_us(moment);

create or replace temp macro from_utc_timestamp(moment, tz) as timezone(tz, timezone('UTC', moment));

create or replace temp macro to_utc_timestamp(moment, tz) as timezone('UTC', timezone(tz, moment));

-- DuckDB gives up the whole query on one bad text; Spark answers null.
create or replace temp macro get_json_object(text, path) as
    case when json_valid(text) then json_extract_string(text, path) end;
