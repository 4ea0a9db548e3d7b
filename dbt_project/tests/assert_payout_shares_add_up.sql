-- The shares of a plan's month add up to 1 where something is paid, and each payout has its row.
with

concentration as (
  select
    plan_id,
    period_code,
    currency_code,
    sum(share_ratio) as share_ratio,
    max(total_amount) as total_amount,
    sum(payout_amount) as payout_amount
  from {{ ref('rpt_payout_concentration') }}
  group by plan_id, period_code, currency_code
),

payouts as (
  select
    plan_id,
    period_code,
    currency_code,
    sum(payout_amount) as payout_amount
  from {{ ref('fct_payouts') }}
  group by plan_id, period_code, currency_code
)

select
  payouts.plan_id,
  payouts.period_code,
  concentration.share_ratio,
  concentration.payout_amount
from payouts
left join concentration
  on
    payouts.plan_id = concentration.plan_id
    and payouts.period_code = concentration.period_code
    and payouts.currency_code = concentration.currency_code
where
  concentration.payout_amount is distinct from payouts.payout_amount
  or (concentration.total_amount > 0 and concentration.share_ratio <> 1)
