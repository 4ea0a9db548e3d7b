-- Gives the territory memberships of BambooHR the fields of the HR extracts, without those that were deleted there.
-- Grain: one row an employee, territory and start date.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

territory_history as (
  {{ current_rows(source('bamboohr', 'territory_history'), ['id']) }}
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
