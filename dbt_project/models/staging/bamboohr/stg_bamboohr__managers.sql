-- Finds the employee behind the manager's name of each job: a manual alias wins; else the one employee who is or was
-- known by that name, to BambooHR's own list of today's managers (reportsToId) or by first, preferred, middle and last
-- name. Of namesakes it is today's manager where the name is in only one of the employee's jobs, else nobody: that is
-- reported (assert_bamboohr_managers_are_known).
-- Grain: one row per job with a manager.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

jobs as (
  {{ current_rows(source('bamboohr', 'jobInfo'), ['id']) }}
),

employees as (
  {{ current_rows(source('bamboohr', 'employees'), ['"employeeId"']) }}
),

versions as (
  select * from {{ source('bamboohr', 'employees') }}
),

manual_aliases as (
  select * from {{ ref('payee_aliases') }}
  where source_system = 'bamboohr'
),

named_jobs as (
  select
    id as job_id,
    "employeeId" as employee_id,
    "date" as valid_from,
    "reportsTo" as manager_name,
    lower(trim("reportsTo")) as name_key,
    count(*) over (partition by "employeeId", lower(trim("reportsTo"))) as job_count
  from jobs
  where
    not is_deleted_in_source
    and trim("reportsTo") <> ''
),

known_names as (
  select
    "reportsToId" as manager_id,
    lower(trim("reportsToName")) as name_key
  from versions
  where "reportsToId" is not null
  union
  select
    "employeeId" as manager_id,
    lower(concat_ws(' ', trim("firstName"), trim("lastName"))) as name_key
  from versions
  union
  select
    "employeeId" as manager_id,
    lower(concat_ws(' ', trim("preferredName"), trim("lastName"))) as name_key
  from versions
  union
  select
    "employeeId" as manager_id,
    lower(concat_ws(' ', trim("firstName"), trim("middleName"), trim("lastName"))) as name_key
  from versions
),

fitting as (
  select
    name_key,
    min(manager_id) as manager_id,
    count(*) as employee_count
  from known_names
  group by name_key
)

select
  named_jobs.job_id,
  named_jobs.employee_id,
  named_jobs.valid_from,
  named_jobs.manager_name,
  coalesce(fitting.employee_count, 0) as employee_count,
  case
    when manual_aliases.payee_id is not null then manual_aliases.payee_id
    when fitting.employee_count = 1 then fitting.manager_id
    when named_jobs.job_count = 1 and named_jobs.name_key = lower(trim(employees."reportsToName"))
      then employees."reportsToId"
  end as manager_id
from named_jobs
left join fitting on named_jobs.name_key = fitting.name_key
left join employees on named_jobs.employee_id = employees."employeeId"
left join manual_aliases
  on
    named_jobs.manager_name = manual_aliases.alias
    and {{ in_force('named_jobs.valid_from', 'manual_aliases') }}
