-- Matches each CRM user to one payee: by employee number, else by e-mail. Dated manual aliases stay in their
-- seed and win over these.
-- Grain: one row a source system and alias.
with

users as (
  select * from {{ ref('stg_crm__users') }}
),

employees as (
  select * from {{ ref('stg_hris__employees') }}
),

by_employee_number as (
  select
    users."Id" as alias,
    employees.id as payee_id
  from users
  inner join employees on users."EmployeeNumber" = employees."employeeNumber"
),

by_email as (
  select
    users."Id" as alias,
    employees.id as payee_id
  from users
  inner join employees on lower(users."Email") = lower(employees."workEmail")
  where users."Id" not in (select by_employee_number.alias from by_employee_number)
),

final as (
  select
    'crm'::varchar as source_system,
    alias::varchar as alias,
    payee_id::varchar as payee_id,
    'employee_number'::varchar as match_rule_code
  from by_employee_number
  union all
  select
    'crm'::varchar as source_system,
    alias::varchar as alias,
    payee_id::varchar as payee_id,
    'email'::varchar as match_rule_code
  from by_email
)

select * from final
