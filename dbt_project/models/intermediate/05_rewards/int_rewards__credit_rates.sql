-- Looks up the rate table of a plan for each credit and tier: of the rows in force on the credit date that fit, the one
-- with the most filled cells wins, then the one that fills an earlier dimension.
-- Grain: one row per credit and tier of a plan with a rate table. Rule: docs/rules/rewards.md
with

rates as (
  select * from {{ ref('rates') }}
),

rated_plans as (
  select distinct plan_id
  from rates
),

credits as (
  select
    credits.credit_id,
    credits.window_key,
    credits.plan_id,
    credits.credit_date,
    valued.rate_dimension_1,
    valued.rate_dimension_2,
    valued.rate_dimension_3
  from {{ ref('int_crediting__credits') }} as credits
  inner join rated_plans on credits.plan_id = rated_plans.plan_id
  inner join {{ ref('int_valuation__values') }} as valued
    on
      credits.plan_id = valued.plan_id
      and credits.transaction_id = valued.transaction_id
),

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
),

fitting as (
  select
    credits.credit_id,
    tier_curves.tier_number,
    rates.rate,
    row_number() over (
      partition by credits.credit_id, tier_curves.tier_number
      order by
        case when rates.dimension_1_value is null then 0 else 1 end
        + case when rates.dimension_2_value is null then 0 else 1 end
        + case when rates.dimension_3_value is null then 0 else 1 end
        + case when rates.tier_number is null then 0 else 1 end desc,
        case when rates.dimension_1_value is null then 0 else 1 end desc,
        case when rates.dimension_2_value is null then 0 else 1 end desc,
        case when rates.dimension_3_value is null then 0 else 1 end desc
    ) as fit
  from credits
  inner join tier_curves on credits.window_key = tier_curves.window_key
  inner join rates
    on
      credits.plan_id = rates.plan_id
      and (rates.tier_number is null or rates.tier_number = tier_curves.tier_number)
      and {{ fits_rate('credits', 'rates') }}
      and {{ in_force('credits.credit_date', 'rates') }}
),

final as (
  select
    credit_id::varchar as credit_id,
    tier_number::integer as tier_number,
    rate::decimal(18, 10) as table_rate
  from fitting
  where fit = 1
)

select * from final
