-- Reads employments and leaves from BambooHR's history of employment statuses: Terminated ends an employment, the next other
-- status begins one, and a status that var bamboohr_leave_statuses names is a leave. The hire date is the beginning where
-- the history starts later, or earlier without a termination before the hire date.
-- Grain: one row per employee, kind and first day.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

employees as (
  {{ current_rows(source('bamboohr', 'employees'), ['"employeeId"']) }}
),

statuses as (
  {{ current_rows(source('bamboohr', 'employmentStatus'), ['id']) }}
),

live_statuses as (
  select
    "employeeId" as employee_id,
    "date" as status_date,
    id::bigint as status_number,
    "employmentStatus" as status
  from statuses
  where
    not is_deleted_in_source
    and "date" is not null
),

hires as (
  select
    employees."employeeId" as employee_id,
    coalesce(employees."hireDate", cast('-infinity' as date)) as hire_date,
    min(live_statuses.status_date) as first_status_date,
    min(case when live_statuses.status = 'Terminated' then live_statuses.status_date end) as first_end_date
  from employees
  left join live_statuses on employees."employeeId" = live_statuses.employee_id
  group by employees."employeeId", employees."hireDate"
),

dated as (
  select
    hires.employee_id,
    case
      when coalesce(hires.hire_date <= hires.first_end_date, true)
        then greatest(live_statuses.status_date, hires.hire_date)
      else live_statuses.status_date
    end as begins_on,
    live_statuses.status_date,
    live_statuses.status_number,
    live_statuses.status
  from hires
  inner join live_statuses on hires.employee_id = live_statuses.employee_id
  union all
  select
    employee_id,
    hire_date as begins_on,
    hire_date as status_date,
    0 as status_number,
    'hired' as status
  from hires
  where coalesce(hire_date < first_status_date, true)
),

last_of_day as (
  select
    *,
    row_number() over (
      partition by employee_id, begins_on
      order by status_date desc, status_number desc
    ) as recency
  from dated
),

spans as (
  select
    employee_id,
    status,
    begins_on,
    lead(begins_on) over (partition by employee_id order by begins_on) as ends_on
  from last_of_day
  where recency = 1
)

select
  employee_id as "employeeId",
  'employed' as employment_code,
  begins_on as valid_from,
  ends_on as valid_to
from spans
where status <> 'Terminated'
union all
select
  employee_id as "employeeId",
  'leave' as employment_code,
  begins_on as valid_from,
  ends_on as valid_to
from spans
where
  status in (
    {% for status in var('bamboohr_leave_statuses') -%}
      '{{ status | replace("'", "''") }}'{{ ', ' if not loop.last }}
    {%- endfor %}
  )
