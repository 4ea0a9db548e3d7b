-- A role in roles.csv that does not fit its scope: admins and auditors see all, the others never do; and the scope names a
-- payee, plan or team that there is. Fix: correct the row.
with

roles as (
  select * from {{ ref('roles') }}
),

scopes as (
  select
    'payee' as scope_code,
    payee_id as scope_id
  from {{ ref('dim_payees') }}
  union
  select
    'org' as scope_code,
    payee_id as scope_id
  from {{ ref('dim_payees') }}
  union
  select
    'plan' as scope_code,
    plan_id as scope_id
  from {{ ref('dim_plans') }}
  union
  select
    'team' as scope_code,
    team_id as scope_id
  from {{ ref('int_parameters__team_memberships') }}
)

select roles.*
from roles
left join scopes on roles.scope_code = scopes.scope_code and roles.scope_id = scopes.scope_id
where
  (roles.role_code in ('admin', 'auditor')) <> (roles.scope_code = 'all')
  or (roles.scope_code = 'all' and roles.scope_id is not null)
  or (roles.scope_code <> 'all' and scopes.scope_id is null)
