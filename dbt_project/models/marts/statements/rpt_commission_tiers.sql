-- Shows how each credit's commission is made: the part of it that each tier prices, that tier's rate (before gates,
-- multipliers, floors and caps), and how the part is rounded along the running total of its window.
-- Grain: one row per credit and tier touched.
with

credit_tiers as (
  select * from {{ ref('int_rewards__tier_commissions') }}
),

-- A window that is priced again, an incentive over a quota or a rate table makes another amount than value x rate.
final as (
  select
    *,
    coalesce(
      tier_reward_amount
      = cast(cast(tier_value_amount as decimal(38, 10)) * rate as decimal(38, 20)),
      false
    ) as is_product
  from credit_tiers
)

select
  credit_tier_key::varchar as credit_tier_key,
  credit_id::varchar as credit_id,
  plan_id::varchar as plan_id,
  payee_id::varchar as payee_id,
  window_code::varchar as window_code,
  tier_number::integer as tier_number,
  currency_code::varchar as currency_code,
  rate::decimal(28, 10) as rate,
  tier_value_amount::decimal(28, 10) as tier_value_amount,
  tier_reward_amount::decimal(38, 20) as tier_reward_amount,
  reward_before_amount::decimal(38, 20) as reward_before_amount,
  rounded_before_amount::decimal(18, 4) as rounded_before_amount,
  rounded_after_amount::decimal(18, 4) as rounded_after_amount,
  tier_commission_amount::decimal(18, 4) as tier_commission_amount,
  (
    tier_number || ': ' || {{ number_text('tier_value_amount') }}
    || case
      when is_product then ' x ' || {{ number_text('rate') }} || ' = '
      else coalesce(' at ' || {{ number_text('rate') }}, '') || ' makes '
    end
    || {{ number_text('tier_reward_amount') }}
    || case
      when tier_reward_amount = tier_commission_amount then ''
      when reward_before_amount = 0 then ', rounded ' || {{ number_text('tier_commission_amount') }}
      else
        ', ' || {{ number_text('reward_before_amount') }} || ' + ' || {{ number_text('tier_reward_amount') }}
        || ' = ' || {{ number_text('reward_before_amount + tier_reward_amount') }}
        || ', rounded ' || {{ number_text('rounded_after_amount') }} || ' - '
        || {{ number_text('rounded_before_amount') }} || ' = ' || {{ number_text('tier_commission_amount') }}
    end
  )::varchar as tier_text
from final
