-- Shows the tiers of each window: where each starts and ends on the attained total, and at which rate it pays (before gates,
-- multipliers, floors and caps).
-- Grain: one row per plan version, payee, window and tier. Rule: docs/rules/rewards.md
with

curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
),

final as (
  select
    curve_key::varchar as window_tier_key,
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    currency_code::varchar as currency_code,
    tier_number::integer as tier_number,
    tier_bound_code::varchar as tier_bound_code,
    start_amount::decimal(28, 10) as tier_from_amount,
    end_amount::decimal(28, 10) as tier_to_amount,
    rate::decimal(28, 10) as rate,
    tier_amount::decimal(28, 10) as tier_amount,
    is_scaled::boolean as is_incentive_multiple
  from curves
)

select * from final
