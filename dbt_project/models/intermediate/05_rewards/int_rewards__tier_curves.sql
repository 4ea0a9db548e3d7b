-- Builds the commission curve F of each payee and window, tier by tier: where the tier starts and ends in plan
-- currency, its rate, and what all lower tiers come to (base). F(x) = base + rate * (x - start).
-- Grain: one row a plan, payee, window and tier. Rule: docs/rules/rewards.md
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

variable_values as (
  select * from {{ ref('int_attainment__variable_values') }}
),

bounded as (
  select
    windows.window_key,
    windows.plan_id,
    windows.payee_id,
    windows.window_code,
    windows.currency_code,
    tiers.tier_number,
    case
      when plan_versions.tier_basis_code = 'amount' then tiers.tier_from
      when windows.quota_amount <> 0 then round(tiers.tier_from * windows.quota_amount, 10)
    end::decimal(28, 10) as start_amount,
    case
      when plan_versions.tier_basis_code = 'amount' then tiers.tier_to
      when windows.quota_amount <> 0 then round(tiers.tier_to * windows.quota_amount, 10)
    end::decimal(28, 10) as end_amount,
    tiers.tier_to is null as is_last,
    case
      when tiers.rate_variable is null then tiers.rate
      else round(tiers.rate * variable_values.value, 10)
    end::decimal(18, 10) as rate
  from windows
  inner join plan_versions
    on
      windows.plan_id = plan_versions.plan_id
      and {{ in_force('windows.parameters_date', 'plan_versions') }}
  inner join tiers
    on
      windows.plan_id = tiers.plan_id
      and {{ in_force('windows.parameters_date', 'tiers') }}
  left join variable_values
    on
      windows.window_key = variable_values.window_key
      and tiers.rate_variable = variable_values.variable_name
),

based as (
  select
    *,
    row_number() over (partition by window_key order by tier_number) = 1 as is_first,
    coalesce(
      sum((end_amount - start_amount) * rate) over (
        partition by window_key
        order by tier_number
        rows between unbounded preceding and 1 preceding
      ),
      0
    ) as base_amount
  from bounded
),

final as (
  select
    (window_key || '|' || cast(tier_number as varchar))::varchar as curve_key,
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    currency_code::varchar as currency_code,
    tier_number::integer as tier_number,
    is_first::boolean as is_first,
    is_last::boolean as is_last,
    start_amount::decimal(28, 10) as start_amount,
    end_amount::decimal(28, 10) as end_amount,
    rate::decimal(18, 10) as rate,
    base_amount::decimal(38, 20) as base_amount
  from based
)

select * from final
