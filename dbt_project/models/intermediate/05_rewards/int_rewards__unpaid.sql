-- Lists what earns nothing though it was credited or settled, with the reason: windows with a missing number, credits
-- without a rate, bonuses and modifiers without a value, and rewards with nobody to be paid.
-- Grain: one row per window, credit, bonus, modifier or reward that is not paid. Rule: docs/rules/rewards.md
with

gaps as (
  select * from {{ ref('int_rewards__window_gaps') }}
  where credit_count > 0
),

credit_rewards as (
  select * from {{ ref('int_rewards__credit_rewards') }}
  where reason_code = 'missing_rate'
),

bonuses as (
  select * from {{ ref('int_rewards__bonuses') }}
  where reason_code is not null
),

window_modifiers as (
  select
    window_modifiers.*,
    plan_versions.gap_code,
    participants.parameters_date
  from {{ ref('int_rewards__window_modifiers') }} as window_modifiers
  inner join {{ ref('int_attainment__participants') }} as participants
    on window_modifiers.window_key = participants.window_key
  inner join {{ ref('plans') }} as plan_versions
    on
      participants.plan_id = plan_versions.plan_id
      and participants.plan_valid_from = plan_versions.valid_from
  where window_modifiers.reason_code is not null
),

paid as (
  select distinct reward_id
  from {{ ref('int_rewards__commissions') }}
),

rewards as (
  select rounded.*
  from {{ ref('int_rewards__rounded') }} as rounded
  left join paid on rounded.reward_id = paid.reward_id
  where paid.reward_id is null
),

united as (
  select
    'window|' || window_key as unpaid_key,
    plan_id,
    payee_id,
    parameters_date as unpaid_date,
    gap_code,
    reason_code
  from gaps
  union all
  select
    'credit|' || credit_id as unpaid_key,
    plan_id,
    payee_id,
    reward_date as unpaid_date,
    gap_code,
    reason_code
  from credit_rewards
  union all
  select
    reward_id as unpaid_key,
    plan_id,
    payee_id,
    reward_date as unpaid_date,
    gap_code,
    reason_code
  from bonuses
  union all
  select
    'modifier|' || window_key || '|' || cast(modifier_number as varchar) as unpaid_key,
    plan_id,
    payee_id,
    parameters_date as unpaid_date,
    gap_code,
    reason_code
  from window_modifiers
  union all
  select
    'reward|' || reward_id as unpaid_key,
    plan_id,
    payee_id,
    reward_date as unpaid_date,
    'list' as gap_code,
    'no_beneficiary' as reason_code
  from rewards
)

select
  unpaid_key::varchar as unpaid_key,
  plan_id::varchar as plan_id,
  payee_id::varchar as payee_id,
  unpaid_date::date as unpaid_date,
  gap_code::varchar as gap_code,
  reason_code::varchar as reason_code
from united
