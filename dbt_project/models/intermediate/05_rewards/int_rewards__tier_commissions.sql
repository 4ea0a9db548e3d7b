-- Rounds the parts of each credit along the running total of its window, so that the parts of a credit add up to its
-- commission before modifiers. Beside each part stand the exact amount and the running total that it is rounded along.
-- Grain: one row per credit and tier touched. Rule: docs/rules/rewards.md
with

credit_tiers as (
  select
    credit_tiers.*,
    credits.plan_id,
    credits.payee_id,
    credits.transaction_id,
    credits.window_code,
    credits.credit_date,
    credits.currency_code,
    currencies.minor_unit
  from {{ ref('int_rewards__credit_tiers') }} as credit_tiers
  inner join {{ ref('int_crediting__credits') }} as credits on credit_tiers.credit_id = credits.credit_id
  inner join {{ ref('currencies') }} as currencies on credits.currency_code = currencies.currency_code
),

accumulated as (
  select
    *,
    sum(tier_reward_amount) over (
      partition by window_key
      order by credit_date, transaction_id, credit_id, tier_number
      rows between unbounded preceding and current row
    ) as after_amount
  from credit_tiers
),

rounded as (
  select
    *,
    {{ round_money('after_amount', 'minor_unit') }} as rounded_after_amount,
    {{ round_money('after_amount - tier_reward_amount', 'minor_unit') }} as rounded_before_amount
  from accumulated
),

final as (
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
    (after_amount - tier_reward_amount)::decimal(38, 20) as reward_before_amount,
    rounded_before_amount::decimal(18, 4) as rounded_before_amount,
    rounded_after_amount::decimal(18, 4) as rounded_after_amount,
    (rounded_after_amount - rounded_before_amount)::decimal(18, 4) as tier_commission_amount
  from rounded
)

select * from final
