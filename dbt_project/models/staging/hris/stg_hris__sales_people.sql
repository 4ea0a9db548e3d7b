-- Keeps the latest version of each sales person under the source's own field names; of files only, no other
-- model reads it.
-- Grain: one row per sales person.
{{ config(enabled=var('hris_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('hris', 'sales_people'), ['"employeeId"']) }}
)

select *
from current_rows
