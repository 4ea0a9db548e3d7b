-- Finds the windows whose credits cannot be rewarded because a number is missing, with the reason.
-- Grain: one row per window with a gap. Rule: docs/rules/rewards.md
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

tiers as (
  select * from {{ ref('tiers') }}
),

plan_numbers as (
  select * from {{ ref('int_attainment__plan_numbers') }}
),

tiered_plans as (
  select distinct plan_id
  from tiers
),

read_tiers as (
  select
    windows.window_key,
    bool_or(plan_numbers.number_value is null) as is_number_missing
  from windows
  inner join tiers
    on
      windows.plan_id = tiers.plan_id
      and {{ in_force('windows.parameters_date', 'tiers') }}
  left join plan_numbers
    on
      windows.window_key = plan_numbers.window_key
      and windows.parameters_date = plan_numbers.number_date
      and plan_numbers.number_kind_code = 'tier'
      and tiers.tier_number = plan_numbers.number
  group by windows.window_key
),

judged as (
  select
    windows.window_key,
    windows.plan_id,
    windows.plan_valid_from,
    windows.payee_id,
    windows.window_code,
    windows.parameters_date,
    windows.credit_count,
    plan_versions.gap_code,
    plan_versions.quota_expression,
    case
      when read_tiers.window_key is null then 'missing_tiers'
      when
        plan_versions.tier_basis_code <> 'quota_ratio' and plan_versions.incentive_expression is null
        and not read_tiers.is_number_missing
        then null
      when
        (plan_versions.tier_basis_code = 'quota_ratio' or plan_versions.incentive_expression is not null)
        and windows.reason_code is not null
        then windows.reason_code
      when read_tiers.is_number_missing then 'missing_variable'
      when plan_versions.incentive_expression is not null and windows.incentive_numerator is null
        then 'missing_variable'
    end as reason_code
  from windows
  inner join tiered_plans on windows.plan_id = tiered_plans.plan_id
  inner join plan_versions
    on
      windows.plan_id = plan_versions.plan_id
      and windows.plan_valid_from = plan_versions.valid_from
  left join read_tiers on windows.window_key = read_tiers.window_key
),

final as (
  select
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    parameters_date::date as parameters_date,
    credit_count::bigint as credit_count,
    gap_code::varchar as gap_code,
    reason_code::varchar as reason_code
  from judged
  where reason_code is not null
)

select * from final
