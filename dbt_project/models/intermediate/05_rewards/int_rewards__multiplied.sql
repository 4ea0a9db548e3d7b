-- Applies gates (nothing unless the condition holds) and multipliers to the rewards of plans with modifiers. A condition
-- looks at the same payee's attainment in the window of the condition's plan that contains the reward's day; a ratio on
-- a bound belongs where the tier_bound_code of the modifier's plan says.
-- Grain: one row per reward of a plan with modifiers. Rule: docs/rules/rewards.md
with

modified_plans as (
  select distinct plan_id
  from {{ ref('modifiers') }}
),

rewards as (
  select rewards.*
  from {{ ref('int_rewards__rewards') }} as rewards
  inner join modified_plans on rewards.plan_id = modified_plans.plan_id
),

window_modifiers as (
  select * from {{ ref('int_rewards__window_modifiers') }}
  where modifier_kind_code in ('gate', 'multiplier')
),

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

conditions as (
  select
    rewards.reward_id,
    window_modifiers.modifier_number,
    window_modifiers.modifier_kind_code,
    window_modifiers.modifier_amount,
    window_modifiers.condition_plan_id,
    window_modifiers.condition_from,
    window_modifiers.condition_to,
    windows.attainment_ratio,
    windows.attained_amount,
    windows.quota_amount,
    plan_versions.tier_bound_code,
    row_number() over (
      partition by rewards.reward_id, window_modifiers.modifier_number
      order by windows.plan_valid_from desc
    ) as version_position
  from rewards
  inner join window_modifiers on rewards.window_key = window_modifiers.window_key
  inner join plan_versions
    on
      rewards.plan_id = plan_versions.plan_id
      and rewards.plan_valid_from = plan_versions.valid_from
  left join windows
    on
      window_modifiers.condition_plan_id = windows.plan_id
      and rewards.payee_id = windows.payee_id
      and {{ in_force('rewards.reward_date', 'windows', 'window_from', 'window_to') }}
      and rewards.reward_date >= windows.plan_valid_from
),

factors as (
  select
    reward_id,
    modifier_number,
    modifier_kind_code,
    case
      when
        condition_plan_id is null
        or coalesce(
          case tier_bound_code
            when 'lower_inclusive'
              then attainment_ratio >= condition_from and (condition_to is null or attainment_ratio < condition_to)
            -- In amounts, for the ratio is cut: 1 of 3 is above 0.3333333333, and its ratio is not.
            else
              attained_amount > cast(condition_from as decimal(18, 10)) * cast(quota_amount as decimal(20, 10))
              and (
                condition_to is null
                or attained_amount <= cast(condition_to as decimal(18, 10)) * cast(quota_amount as decimal(20, 10))
              )
          end,
          false
        )
        then case when modifier_kind_code = 'gate' then 1 else coalesce(modifier_amount, 0) end
      when modifier_kind_code = 'gate' then 0
      else 1
    end as factor
  from conditions
  where version_position = 1
),

gates as (
  select
    reward_id,
    min(factor) as gate_factor
  from factors
  where modifier_kind_code = 'gate'
  group by reward_id
),

multipliers as (
  select
    reward_id,
    {{ rounded_product('factor', 'modifier_number') }} as multiplier
  from factors
  where modifier_kind_code = 'multiplier'
  group by reward_id
),

final as (
  select
    rewards.reward_id::varchar as reward_id,
    rewards.reward_kind_code::varchar as reward_kind_code,
    rewards.credit_id::varchar as credit_id,
    rewards.window_key::varchar as window_key,
    rewards.transaction_id::varchar as transaction_id,
    rewards.plan_id::varchar as plan_id,
    rewards.plan_valid_from::date as plan_valid_from,
    rewards.payee_id::varchar as payee_id,
    rewards.reward_date::date as reward_date,
    rewards.currency_code::varchar as currency_code,
    (
      case
        when gates.gate_factor = 0 then 0
        else
          cast(round(rewards.reward_amount, 10) as decimal(38, 10))
          * coalesce(cast(multipliers.multiplier as decimal(18, 10)), 1)
      end
    )::decimal(38, 20) as reward_amount
  from rewards
  left join gates on rewards.reward_id = gates.reward_id
  left join multipliers on rewards.reward_id = multipliers.reward_id
)

select * from final
