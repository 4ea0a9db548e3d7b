-- A job names a manager who is no employee, or who could be several. Fix: correct the name in BambooHR, or add a row with
-- the source system bamboohr to seeds/crediting/payee_aliases.csv.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

select
  employee_id,
  valid_from,
  manager_name,
  employee_count
from {{ ref('stg_bamboohr__managers') }}
where manager_id is null
