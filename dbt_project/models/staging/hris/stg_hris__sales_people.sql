-- Keeps the latest version of each sales person under the source's own field names.
-- Grain: one row a sales person.
with

current_rows as (
  {{ current_rows(source('hris', 'sales_people'), ['"employeeId"']) }}
)

select *
from current_rows
