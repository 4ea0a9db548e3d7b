-- Keeps the latest version of each department membership under the source's own field names; of files only, no other
-- model reads it.
-- Grain: one row per employee, department, shift and start date.
{{ config(enabled=var('hris_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('hris', 'department_history'), ['"employeeId"', '"departmentId"', '"shiftId"', '"startDate"']) }}
)

select *
from current_rows
