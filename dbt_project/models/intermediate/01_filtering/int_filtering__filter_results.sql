-- Evaluates each plan version's filter over the source object that the plan names, original field names included.
-- Grain: one row a plan version and transaction of its source object.
with

evaluated as (
  {{ evaluate_plan_expression('filter_expression', 'is_filter_met', 'boolean') }}
)

select
  plan_id::varchar as plan_id,
  plan_valid_from::date as plan_valid_from,
  transaction_id::varchar as transaction_id,
  coalesce(is_filter_met, false)::boolean as is_filter_met
from evaluated
