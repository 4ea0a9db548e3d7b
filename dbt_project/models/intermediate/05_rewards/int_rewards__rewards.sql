-- Brings all rewards together before modifiers: of credits, of attainment (bonuses) and of custom_rewards.
-- Grain: one row per reward. Rule: docs/rules/rewards.md
with

credit_rewards as (
  select * from {{ ref('int_rewards__credit_rewards') }}
),

bonuses as (
  select * from {{ ref('int_rewards__bonuses') }}
),

custom_rewards as (
  select * from {{ ref('custom_rewards') }}
  where reward_date <= {{ as_of_date() }}
),

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

windowed_custom_rewards as (
  select
    custom_rewards.*,
    plan_versions.valid_from as plan_valid_from,
    plan_versions.currency_code,
    participants.window_key
  from custom_rewards
  left join plan_versions
    on
      custom_rewards.plan_id = plan_versions.plan_id
      and {{ in_force('custom_rewards.reward_date', 'plan_versions') }}
  left join participants
    on
      plan_versions.plan_id = participants.plan_id
      and plan_versions.valid_from = participants.plan_valid_from
      and custom_rewards.payee_id = participants.payee_id
      and participants.calendar_id <> 'transaction'
      and {{ in_force('custom_rewards.reward_date', 'participants', 'window_from', 'window_to') }}
),

united as (
  select
    credit_id as reward_id,
    'credit' as reward_kind_code,
    credit_id,
    window_key,
    transaction_id,
    plan_id,
    plan_valid_from,
    payee_id,
    reward_date,
    currency_code,
    reward_amount
  from credit_rewards
  union all
  select
    reward_id,
    'bonus' as reward_kind_code,
    null as credit_id,
    window_key,
    null as transaction_id,
    plan_id,
    plan_valid_from,
    payee_id,
    reward_date,
    currency_code,
    reward_amount
  from bonuses
  where reward_amount <> 0
  union all
  select
    'custom|' || plan_id || '|' || payee_id || '|' || reward_id as reward_id,
    'custom' as reward_kind_code,
    null as credit_id,
    window_key,
    transaction_id,
    plan_id,
    plan_valid_from,
    payee_id,
    reward_date,
    currency_code,
    reward_amount
  from windowed_custom_rewards
)

select
  reward_id::varchar as reward_id,
  reward_kind_code::varchar as reward_kind_code,
  credit_id::varchar as credit_id,
  window_key::varchar as window_key,
  transaction_id::varchar as transaction_id,
  plan_id::varchar as plan_id,
  plan_valid_from::date as plan_valid_from,
  payee_id::varchar as payee_id,
  reward_date::date as reward_date,
  currency_code::varchar as currency_code,
  reward_amount::decimal(38, 20) as reward_amount
from united
