-- Evaluates each plan version's filter over the source object that the plan names, original field names included; a
-- row of custom_filtering replaces the result.
-- Grain: one row per plan version and transaction of its source object.
with

evaluated as (
  {{ plan_filters() }}
),

custom_filtering as (
  select * from {{ ref('custom_filtering') }}
),

final as (
  select
    evaluated.plan_id::varchar as plan_id,
    evaluated.plan_valid_from::date as plan_valid_from,
    evaluated.transaction_id::varchar as transaction_id,
    (evaluated.is_variable_missing and custom_filtering.transaction_id is null)::boolean as is_variable_missing,
    coalesce(custom_filtering.is_filter_met, evaluated.is_filter_met)::boolean as is_filter_met
  from evaluated
  left join custom_filtering
    on
      evaluated.plan_id = custom_filtering.plan_id
      and evaluated.transaction_id = custom_filtering.transaction_id
)

select * from final
