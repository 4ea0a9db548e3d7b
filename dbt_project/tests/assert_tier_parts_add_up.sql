-- Invariant 3: the tier parts of a credit add up to its commission, where the plan has no modifiers.
with

parts as (
  select
    credit_id,
    sum(tier_commission_amount) as tier_commission_amount
  from {{ ref('rpt_commission_tiers') }}
  group by credit_id
),

modified_plans as (
  select distinct plan_id
  from {{ ref('modifiers') }}
),

credits as (
  select * from {{ ref('fct_credits') }}
  where reason_code is null
)

select
  credits.credit_id,
  credits.commission_amount,
  parts.tier_commission_amount
from credits
left join parts on credits.credit_id = parts.credit_id
left join modified_plans on credits.plan_id = modified_plans.plan_id
where
  modified_plans.plan_id is null
  and coalesce(parts.tier_commission_amount, 0) <> credits.commission_amount
