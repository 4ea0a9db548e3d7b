-- Finds the valued transactions of plans with a rate table for which the table has no row on the credit date.
-- Grain: one row per transaction and plan. Rule: docs/rules/rewards.md
with

rates as (
  select * from {{ ref('rates') }}
),

rated_plans as (
  select distinct plan_id
  from rates
),

valued as (
  select * from {{ ref('int_valuation__values') }}
  where reason_code is null
),

fitting as (
  select distinct
    valued.plan_id,
    valued.transaction_id
  from valued
  inner join rates
    on
      valued.plan_id = rates.plan_id
      and {{ fits_rate('valued', 'rates') }}
      and {{ in_force('valued.credit_date', 'rates') }}
),

final as (
  select
    valued.plan_id::varchar as plan_id,
    valued.transaction_id::varchar as transaction_id
  from valued
  inner join rated_plans on valued.plan_id = rated_plans.plan_id
  left join fitting
    on
      valued.plan_id = fitting.plan_id
      and valued.transaction_id = fitting.transaction_id
  where fitting.plan_id is null
)

select * from final
