-- Brings the priced parts of all credits together, whichever tier method made them.
-- Grain: one row per credit and tier touched. Rule: docs/rules/rewards.md
with

marginal_tiers as (
  select * from {{ ref('int_rewards__marginal_tiers') }}
),

whole_tiers as (
  select * from {{ ref('int_rewards__whole_tiers') }}
),

united as (
  select * from marginal_tiers
  union all
  select * from whole_tiers
)

select
  credit_tier_key::varchar as credit_tier_key,
  credit_id::varchar as credit_id,
  window_key::varchar as window_key,
  tier_number::integer as tier_number,
  rate::decimal(28, 10) as rate,
  tier_value_amount::decimal(28, 10) as tier_value_amount,
  (case when is_rate_missing then 0 else tier_reward_amount end)::decimal(38, 20) as tier_reward_amount,
  is_rate_missing::boolean as is_rate_missing
from united
