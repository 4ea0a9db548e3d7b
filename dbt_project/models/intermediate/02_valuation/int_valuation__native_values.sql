-- Evaluates each plan version's value expression over the source object that the plan names.
-- Grain: one row a plan version and transaction of its source object.
with

evaluated as (
  {{ evaluate_plan_expression('value_expression', 'native_value_amount', 'decimal(28, 10)') }}
)

select
  plan_id::varchar as plan_id,
  plan_valid_from::date as plan_valid_from,
  transaction_id::varchar as transaction_id,
  native_value_amount::decimal(28, 10) as native_value_amount
from evaluated
