-- Gives BambooHR's employees the fields of the HR extracts. Somebody has left on the date of the latest employment status
-- when that is Terminated; a later status means that they were hired again. BambooHR knows no login.
-- Grain: one row per employee.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

employees as (
  {{ current_rows(source('bamboohr', 'employees'), ['"employeeId"']) }}
),

numbers as (
  {{ current_rows(source('bamboohr', 'numbers'), ['eeid']) }}
),

statuses as (
  {{ current_rows(source('bamboohr', 'employmentStatus'), ['id']) }}
),

ranked_statuses as (
  select
    *,
    row_number() over (partition by "employeeId" order by "date" desc, id::bigint desc) as recency
  from statuses
  where not is_deleted_in_source
),

latest_statuses as (
  select * from ranked_statuses
  where recency = 1
)

select
  employees."employeeId" as id,
  numbers."employeeNumber",
  employees."firstName",
  employees."middleName",
  employees."lastName",
  employees."workEmail",
  null::varchar as "loginId",
  employees."jobTitleName" as "jobTitle",
  employees."hireDate",
  case when latest_statuses."employmentStatus" = 'Terminated' then latest_statuses."date" end as "terminationDate",
  employees.status,
  employees.is_deleted_in_source,
  employees._source_file,
  employees._source_row
from employees
left join numbers on employees."employeeId" = numbers.eeid
left join latest_statuses on employees."employeeId" = latest_statuses."employeeId"
