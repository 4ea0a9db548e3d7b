-- Lists everybody who can earn: each employee the HRIS has ever sent, and each team.
-- Grain: one row per payee.
with

employees as (
  select * from {{ ref('stg_hris__employees') }}
),

teams as (
  select distinct team_id
  from {{ ref('teams') }}
  union
  select distinct team_id
  from {{ ref('team_memberships') }}
),

people as (
  select
    id as payee_id,
    'person' as payee_kind_code,
    concat_ws(' ', "firstName", "middleName", "lastName") as full_name,
    "firstName" as first_name,
    "lastName" as last_name,
    lower("workEmail") as email,
    "jobTitle" as job_title,
    "hireDate" as hire_date,
    case when not coalesce("terminationDate" < "hireDate", false) then "terminationDate" end as termination_date,
    is_deleted_in_source
  from employees
),

groups as (
  select
    team_id as payee_id,
    'team' as payee_kind_code,
    team_id as full_name,
    null as first_name,
    null as last_name,
    null as email,
    null as job_title,
    null as hire_date,
    null as termination_date,
    false as is_deleted_in_source
  from teams
  where team_id not in (select people.payee_id from people)
),

united as (
  select * from people
  union all
  select * from groups
),

final as (
  select
    payee_id::varchar as payee_id,
    payee_kind_code::varchar as payee_kind_code,
    full_name::varchar as full_name,
    first_name::varchar as first_name,
    last_name::varchar as last_name,
    email::varchar as email,
    job_title::varchar as job_title,
    hire_date::date as hire_date,
    termination_date::date as termination_date,
    is_deleted_in_source::boolean as is_deleted_in_source
  from united
)

select * from final
