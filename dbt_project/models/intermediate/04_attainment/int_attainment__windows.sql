-- Sets what was credited in a window against the payee's quota.
-- Grain: one row a plan, payee and window. Rule: docs/rules/attainment.md
with

credited_windows as (
  select * from {{ ref('int_attainment__credited_windows') }}
),

variable_values as (
  select * from {{ ref('int_attainment__variable_values') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

with_quota as (
  select
    credited_windows.*,
    plan_versions.quota_variable,
    variable_values.value as quota_amount
  from credited_windows
  left join plan_versions
    on
      credited_windows.plan_id = plan_versions.plan_id
      and {{ in_force('credited_windows.parameters_date', 'plan_versions') }}
  left join variable_values
    on
      credited_windows.window_key = variable_values.window_key
      and plan_versions.quota_variable = variable_values.variable_name
),

final as (
  select
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    window_from::date as window_from,
    window_to::date as window_to,
    parameters_date::date as parameters_date,
    currency_code::varchar as currency_code,
    credited_amount::decimal(28, 10) as credited_amount,
    credit_count::bigint as credit_count,
    quota_amount::decimal(28, 10) as quota_amount,
    ({{ ratio('credited_amount', 'quota_amount') }})::decimal(28, 10) as attainment_ratio,
    (
      case
        when quota_variable is null then 'plan_has_no_quota'
        when quota_amount is null then 'missing_quota'
        when quota_amount = 0 then 'zero_quota'
      end
    )::varchar as reason_code
  from with_quota
)

select * from final
