-- Gives the effective-dated positions of a Workday report the fields of the HR extracts: the manager by employee id.
-- Rows that the report no longer has are left out: another row may have taken their date.
-- Grain: one row per employee and effective date.
{{ config(enabled=var('hris_system') == 'workday') }}

with

positions as (
  {{ current_rows(source('workday', 'position_history'), ['"Employee_ID"', '"Effective_Date"']) }}
)

select
  "Employee_ID" as "employeeId",
  "Effective_Date" as "date",
  "Position" as "jobTitle",
  nullif("Manager_ID", '') as "reportsTo",
  is_deleted_in_source,
  _source_file,
  _source_row
from positions
where not is_deleted_in_source
