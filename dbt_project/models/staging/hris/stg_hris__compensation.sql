-- Keeps the latest version of each pay rate under the source's own field names.
-- Grain: one row an employee and start date.
with

current_rows as (
  {{ current_rows(source('hris', 'compensation'), ['"employeeId"', '"startDate"']) }}
)

select *
from current_rows
