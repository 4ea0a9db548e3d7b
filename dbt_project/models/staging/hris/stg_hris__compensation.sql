-- Keeps the latest version of each pay rate under the source's own field names; of files only, no other
-- model reads it.
-- Grain: one row per employee and start date.
{{ config(enabled=var('hris_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('hris', 'compensation'), ['"employeeId"', '"startDate"']) }}
)

select *
from current_rows
