-- Keeps the latest version of each territory membership under the source's own field names.
-- Grain: one row an employee, territory and start date.
with

current_rows as (
  {{ current_rows(source('hris', 'territory_history'), ['"employeeId"', '"territoryId"', '"startDate"']) }}
)

select *
from current_rows
