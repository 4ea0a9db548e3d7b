-- Gives the territory memberships of BambooHR the fields of the HR extracts, without those that were deleted there; there
-- are none where var hris_has_territories is false.
-- Grain: one row per employee, territory and start date.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

territory_history as (
  {% if var('hris_has_territories') %}
    {{ current_rows(source('bamboohr', 'territory_history'), ['id']) }}
  {% else %}
    select
      null::varchar as "employeeId",
      null::varchar as "territoryId",
      null::date as "startDate",
      null::date as "endDate",
      null::boolean as is_deleted_in_source,
      null::varchar as _source_file,
      null::bigint as _source_row
    where false
  {% endif %}
)

select
  "employeeId",
  "territoryId",
  "startDate",
  "endDate",
  is_deleted_in_source,
  _source_file,
  _source_row
from territory_history
where not is_deleted_in_source
