-- Gives Rippling's employees the fields of the HR extracts. Somebody has left on endDate when Rippling says terminated; an
-- endDate before that is a notice. Rippling knows no login.
-- Grain: one row per employee.
{{ config(enabled=var('hris_system') == 'rippling') }}

with

employees as (
  {{ current_rows(source('rippling', 'employees'), ['id']) }}
)

select
  id,
  {{ var('rippling_number_column') }}::varchar as "employeeNumber",
  "firstName",
  null::varchar as "middleName",
  "lastName",
  "workEmail",
  null::varchar as "loginId",
  title as "jobTitle",
  "startDate" as "hireDate",
  case when "roleState" = 'TERMINATED' then "endDate" end as "terminationDate",
  "roleState" as status,
  is_deleted_in_source,
  _source_file,
  _source_row
from employees
