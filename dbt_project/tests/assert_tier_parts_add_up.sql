-- Invariant 3: the tier parts of a credit add up to its value and to its commission.
with

parts as (
  select
    credit_id,
    sum(tier_value_amount) as tier_value_amount,
    sum(tier_commission_amount) as tier_commission_amount
  from {{ ref('rpt_commission_tiers') }}
  group by credit_id
),

credits as (
  select * from {{ ref('fct_credits') }}
)

select
  credits.credit_id,
  credits.credited_amount,
  parts.tier_value_amount,
  credits.commission_amount,
  parts.tier_commission_amount
from credits
left join parts on credits.credit_id = parts.credit_id
where
  coalesce(parts.tier_value_amount, 0) <> credits.credited_amount
  or coalesce(parts.tier_commission_amount, 0) <> credits.commission_amount
