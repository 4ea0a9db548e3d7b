-- Describes each plan by its latest version.
-- Grain: one row per plan.
with

plan_versions as (
  select * from {{ ref('plans') }}
),

ranked as (
  select
    *,
    row_number() over (partition by plan_id order by valid_from desc) as recency
  from plan_versions
),

final as (
  select
    plan_id::varchar as plan_id,
    plan_name::varchar as plan_name,
    source_object::varchar as source_object,
    currency_code::varchar as currency_code,
    calendar_id::varchar as calendar_id,
    tier_method_code::varchar as tier_method_code,
    quota_expression::varchar as quota_expression,
    credit_event_code::varchar as credit_event_code,
    payout_event_code::varchar as payout_event_code,
    filter_expression::varchar as filter_expression,
    value_expression::varchar as value_expression,
    valid_from::date as valid_from,
    valid_to::date as valid_to,
    source_document::varchar as source_document
  from ranked
  where recency = 1
)

select * from final
