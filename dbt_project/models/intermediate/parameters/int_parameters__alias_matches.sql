-- Matches each identity to the employees that fit the surest of its marks that any employee fits: the employee number,
-- else the e-mail, else the user name, else the full name (with or without the middle name). More than one employee is an
-- ambiguity (assert_aliases_name_one_payee).
-- Grain: one row per alias and fitting employee. Rule: docs/rules/filtering.md
with

identities as (
  select * from {{ ref('int_parameters__identities') }}
),

employees as (
  select
    id as payee_id,
    trim("employeeNumber") as employee_number,
    lower(trim("workEmail")) as email,
    lower(trim("loginId")) as user_name,
    lower(concat_ws(' ', trim("firstName"), trim("middleName"), trim("lastName"))) as full_name,
    lower(concat_ws(' ', trim("firstName"), trim("lastName"))) as short_name
  from {{ ref('stg_hris__employees') }}
),

fitting as (
  select
    identities.source_system,
    identities.alias,
    employees.payee_id,
    'employee_number' as match_rule_code,
    1 as match_rank
  from identities
  inner join employees on identities.employee_number = employees.employee_number
  union all
  select
    identities.source_system,
    identities.alias,
    employees.payee_id,
    'email' as match_rule_code,
    2 as match_rank
  from identities
  inner join employees on identities.email = employees.email
  union all
  select
    identities.source_system,
    identities.alias,
    employees.payee_id,
    'user_name' as match_rule_code,
    3 as match_rank
  from identities
  inner join employees on identities.user_name = employees.user_name
  union all
  select
    identities.source_system,
    identities.alias,
    employees.payee_id,
    'full_name' as match_rule_code,
    4 as match_rank
  from identities
  inner join employees on identities.full_name in (employees.full_name, employees.short_name)
  where identities.full_name <> ''
),

ranked as (
  select
    *,
    min(match_rank) over (partition by source_system, alias) as surest_rank
  from fitting
),

surest as (
  select
    source_system,
    alias,
    payee_id,
    match_rule_code,
    count(*) over (partition by source_system, alias) as payee_count
  from ranked
  where match_rank = surest_rank
),

final as (
  select
    source_system::varchar as source_system,
    alias::varchar as alias,
    payee_id::varchar as payee_id,
    match_rule_code::varchar as match_rule_code,
    payee_count::integer as payee_count
  from surest
)

select * from final
