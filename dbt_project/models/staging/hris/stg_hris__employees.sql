-- Keeps the latest version of each employee under the source's own field names.
-- Grain: one row an employee.
with

current_rows as (
  {{ current_rows(source('hris', 'employees'), ['id']) }}
)

select *
from current_rows
