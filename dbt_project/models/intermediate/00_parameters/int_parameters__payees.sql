-- Lists everybody who can earn: each employee the HRIS has ever sent.
-- Grain: one row a payee.
with

employees as (
  select * from {{ ref('stg_hris__employees') }}
),

final as (
  select
    id::varchar as payee_id,
    concat_ws(' ', "firstName", "middleName", "lastName")::varchar as full_name,
    lower("workEmail")::varchar as email,
    "jobTitle"::varchar as job_title,
    "hireDate"::date as hire_date,
    "terminationDate"::date as termination_date,
    is_deleted_in_source::boolean as is_deleted_in_source
  from employees
)

select * from final
