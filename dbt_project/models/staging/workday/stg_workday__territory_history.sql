-- Gives the territories of a Workday report the fields of the HR extracts; none where var
-- hris_has_territories is false.
-- Grain: one row per employee, territory and start date.
{{ config(enabled=var('hris_system') == 'workday') }}

with

territories as (
  {% if var('hris_has_territories') %}
    {{ current_rows(source('workday', 'territory_history'), ['"Employee_ID"', '"Territory_ID"', '"Start_Date"']) }}
  {% else %}
    select
      null::varchar as "Employee_ID",
      null::varchar as "Territory_ID",
      null::date as "Start_Date",
      null::date as "End_Date",
      null::boolean as is_deleted_in_source,
      null::varchar as _source_file,
      null::bigint as _source_row
    where false
  {% endif %}
)

select
  "Employee_ID" as "employeeId",
  "Territory_ID" as "territoryId",
  "Start_Date" as "startDate",
  "End_Date" as "endDate",
  is_deleted_in_source,
  _source_file,
  _source_row
from territories
where not is_deleted_in_source
