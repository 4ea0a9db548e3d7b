-- Reads off each eligible transaction what its plan version wants to know: value, payable value, weight and the
-- dimensions of its rate table. A row of custom_valuation replaces value and payable value.
-- Grain: one row per eligible transaction and plan.
with

eligible as (
  select * from {{ ref('int_filtering__eligible') }}
  where verdict_code = 'eligible'
),

evaluated as (
  {{ plan_values('eligible') }}
),

custom_valuation as (
  select * from {{ ref('custom_valuation') }}
),

final as (
  select
    evaluated.plan_id::varchar as plan_id,
    evaluated.plan_valid_from::date as plan_valid_from,
    evaluated.transaction_id::varchar as transaction_id,
    (evaluated.is_variable_missing and custom_valuation.transaction_id is null)::boolean as is_variable_missing,
    (evaluated.is_catalogue_value_missing and custom_valuation.transaction_id is null)::boolean
      as is_catalogue_value_missing,
    coalesce(custom_valuation.native_value_amount, evaluated.native_value_amount)::decimal(28, 10)
      as native_value_amount,
    coalesce(custom_valuation.native_payable_amount, evaluated.native_payable_amount)::decimal(28, 10)
      as native_payable_amount,
    evaluated.weight::decimal(28, 10) as weight,
    evaluated.rate_dimension_1::varchar as rate_dimension_1,
    evaluated.rate_dimension_2::varchar as rate_dimension_2,
    evaluated.rate_dimension_3::varchar as rate_dimension_3
  from evaluated
  left join custom_valuation
    on
      evaluated.plan_id = custom_valuation.plan_id
      and evaluated.transaction_id = custom_valuation.transaction_id
)

select * from final
