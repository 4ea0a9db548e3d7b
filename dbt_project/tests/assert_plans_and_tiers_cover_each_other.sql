-- A plan version whose first day has no tiers, or tiers that start before their plan. Fix: align valid_from in
-- seeds/plans/plans.csv and seeds/plans/tiers.csv.
with

plan_versions as (
  select * from {{ ref('plans') }}
),

tiers as (
  select * from {{ ref('tiers') }}
)

select
  plan_versions.plan_id,
  plan_versions.valid_from
from plan_versions
left join tiers
  on
    plan_versions.plan_id = tiers.plan_id
    and {{ in_force('plan_versions.valid_from', 'tiers') }}
where
  tiers.plan_id is null
  and plan_versions.plan_id in (select all_tiers.plan_id from tiers as all_tiers)
