-- Makes the history of managers out of the landed versions of Rippling's employees, since Rippling keeps none: a change
-- holds from the day on which it was landed, in the time zone of var hris_time_zone. The first manager known holds from
-- the start of the employment on. Of several changes on one day the last counts.
-- Grain: one row per employee and effective date.
{{ config(enabled=var('hris_system') == 'rippling') }}

with

versions as (
  select * from {{ source('rippling', 'employees') }}
),

dated as (
  select
    *,
    {{ day_of('_dlt_valid_from', var('hris_time_zone')) }} as landed_date,
    row_number() over (partition by id order by _dlt_valid_from, _row_hash) as version_number
  from versions
),

effective as (
  select
    *,
    case when version_number = 1 then least("startDate", landed_date) else landed_date end as effective_date
  from dated
),

last_of_day as (
  select
    *,
    row_number() over (partition by id, effective_date order by version_number desc) as recency
  from effective
),

final as (
  select
    id as "employeeId",
    effective_date as "date",
    title as "jobTitle",
    manager as "reportsTo",
    false as is_deleted_in_source,
    _source_file,
    _source_row
  from last_of_day
  where recency = 1
)

select * from final
