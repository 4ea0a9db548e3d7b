-- Tiers that are shares of quota need a quota other than zero. Mend: correct the quota in
-- seeds/plans/variables.csv, or give the plan tiers in amounts.
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
)

select
  windows.plan_id,
  windows.payee_id,
  windows.window_code,
  windows.quota_amount,
  windows.reason_code
from windows
inner join plan_versions
  on
    windows.plan_id = plan_versions.plan_id
    and {{ in_force('windows.parameters_date', 'plan_versions') }}
where
  plan_versions.tier_basis_code = 'quota_ratio'
  and windows.reason_code is not null
