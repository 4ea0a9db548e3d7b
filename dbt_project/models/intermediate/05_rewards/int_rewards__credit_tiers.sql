-- Splits each credit over the tiers that it moves through and prices every part as a difference of the rounded
-- curve at its two ends, so that the parts of a credit, and the credits of a window, add up to the cent. The
-- first tier also takes what lies below its start (a negative total walks back down the same line).
-- Grain: one row a credit and tier touched. Rule: docs/rules/rewards.md
with

positions as (
  select * from {{ ref('int_attainment__positions') }}
),

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

touched as (
  select
    positions.credit_id,
    positions.plan_id,
    positions.payee_id,
    positions.window_code,
    positions.currency_code,
    currencies.minor_unit,
    tier_curves.tier_number,
    tier_curves.start_amount,
    tier_curves.rate,
    tier_curves.base_amount,
    case
      when not tier_curves.is_first and positions.cumulative_before_amount < tier_curves.start_amount
        then tier_curves.start_amount
      when not tier_curves.is_last and positions.cumulative_before_amount > tier_curves.end_amount
        then tier_curves.end_amount
      else positions.cumulative_before_amount
    end as part_from_amount,
    case
      when not tier_curves.is_first and positions.cumulative_after_amount < tier_curves.start_amount
        then tier_curves.start_amount
      when not tier_curves.is_last and positions.cumulative_after_amount > tier_curves.end_amount
        then tier_curves.end_amount
      else positions.cumulative_after_amount
    end as part_to_amount
  from positions
  inner join currencies on positions.currency_code = currencies.currency_code
  inner join tier_curves
    on
      positions.window_key = tier_curves.window_key
      and (
        tier_curves.is_first
        or greatest(positions.cumulative_before_amount, positions.cumulative_after_amount) > tier_curves.start_amount
      )
      and (
        tier_curves.is_last
        or least(positions.cumulative_before_amount, positions.cumulative_after_amount) < tier_curves.end_amount
      )
),

priced as (
  select
    *,
    {{ round_money('base_amount + rate * (part_to_amount - start_amount)', 'minor_unit') }} as curve_to_amount,
    {{ round_money('base_amount + rate * (part_from_amount - start_amount)', 'minor_unit') }} as curve_from_amount
  from touched
),

final as (
  select
    (credit_id || '|' || cast(tier_number as varchar))::varchar as credit_tier_key,
    credit_id::varchar as credit_id,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    tier_number::integer as tier_number,
    currency_code::varchar as currency_code,
    rate::decimal(18, 10) as rate,
    (part_to_amount - part_from_amount)::decimal(28, 10) as tier_value_amount,
    (curve_to_amount - curve_from_amount)::decimal(18, 4) as tier_commission_amount
  from priced
)

select * from final
