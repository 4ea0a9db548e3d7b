-- Keeps the latest version of each job information row under the source's own field names.
-- Grain: one row an employee and effective date.
with

current_rows as (
  {{ current_rows(source('hris', 'job_info'), ['"employeeId"', '"date"']) }}
)

select *
from current_rows
