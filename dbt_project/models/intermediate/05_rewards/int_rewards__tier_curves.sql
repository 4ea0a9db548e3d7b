-- Builds the curve of each window, tier by tier: where the tier starts and ends on the attained total, what a unit in
-- it is worth (rate, or for interpolated tiers tier_amount over the tier's width), and what all lower tiers come to
-- (base). G(x) = base + rate * (x - start). With a target incentive F(x) = G(x) * incentive / quota, else F = G.
-- Grain: one row per plan version, payee, window and tier. Rule: docs/rules/rewards.md
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

gaps as (
  select * from {{ ref('int_rewards__window_gaps') }}
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

bounded as (
  select
    windows.window_key,
    windows.plan_id,
    windows.plan_valid_from,
    windows.payee_id,
    windows.window_code,
    windows.currency_code,
    plan_versions.tier_method_code,
    plan_versions.tier_bound_code,
    plan_versions.payable_expression is not null as is_paid_on_payable,
    plan_versions.tier_start_code = 'first_bound' as is_counted_from_first_bound,
    tiers.tier_number,
    cast(
      case
        when plan_versions.tier_basis_code = 'amount' then tiers.tier_from
        else round(cast(tiers.tier_from as decimal(38, 10)) * windows.quota_amount, 10)
      end as decimal(28, 10)
    ) as start_amount,
    cast(
      case
        when plan_versions.tier_basis_code = 'amount' then tiers.tier_to
        else round(cast(tiers.tier_to as decimal(38, 10)) * windows.quota_amount, 10)
      end as decimal(28, 10)
    ) as end_amount,
    case when tiers.rate_expression is not null then plan_numbers.number_value end as rate,
    case when tiers.rate_expression is null then plan_numbers.number_value end as tier_amount,
    case when plan_versions.incentive_expression is null then 1 else windows.incentive_numerator end
      as scale_numerator,
    case
      when plan_versions.incentive_expression is null then 1
      else windows.quota_amount * windows.incentive_days
    end as scale_denominator,
    plan_versions.incentive_expression is not null as is_scaled
  from windows
  left join gaps on windows.window_key = gaps.window_key
  inner join plan_versions
    on
      windows.plan_id = plan_versions.plan_id
      and windows.plan_valid_from = plan_versions.valid_from
  inner join tiers
    on
      windows.plan_id = tiers.plan_id
      and {{ in_force('windows.parameters_date', 'tiers') }}
  inner join plan_numbers
    on
      windows.window_key = plan_numbers.window_key
      and windows.parameters_date = plan_numbers.number_date
      and plan_numbers.number_kind_code = 'tier'
      and tiers.tier_number = plan_numbers.number
  where gaps.window_key is null
),

based as (
  select
    *,
    row_number() over each_window = 1 as is_first,
    row_number() over (partition by window_key order by tier_number desc) = 1 as is_last,
    coalesce(
      sum(
        case
          when tier_amount is not null then cast(tier_amount as decimal(38, 20))
          else cast(end_amount - start_amount as decimal(38, 10)) * rate
        end
      ) over (each_window rows between unbounded preceding and 1 preceding),
      0
    ) as base_amount
  from bounded
  window each_window as (partition by window_key order by tier_number)
),

final as (
  select
    (window_key || '|' || cast(tier_number as varchar))::varchar as curve_key,
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    currency_code::varchar as currency_code,
    tier_number::integer as tier_number,
    tier_method_code::varchar as tier_method_code,
    tier_bound_code::varchar as tier_bound_code,
    coalesce(is_counted_from_first_bound, false)::boolean as is_counted_from_first_bound,
    is_paid_on_payable::boolean as is_paid_on_payable,
    is_first::boolean as is_first,
    is_last::boolean as is_last,
    start_amount::decimal(28, 10) as start_amount,
    end_amount::decimal(28, 10) as end_amount,
    rate::decimal(28, 10) as rate,
    tier_amount::decimal(28, 10) as tier_amount,
    base_amount::decimal(38, 20) as base_amount,
    is_scaled::boolean as is_scaled,
    scale_numerator::decimal(28, 10) as scale_numerator,
    scale_denominator::decimal(28, 10) as scale_denominator
  from based
)

select * from final
