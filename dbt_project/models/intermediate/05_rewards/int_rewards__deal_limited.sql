-- Applies the floor and the cap per deal: the limited total of a payee's rewards for a deal with each reward less the one
-- without it. A negative total has no floor and the cap's mirror image.
-- Grain: one row per reward of a plan with modifiers. Rule: docs/rules/rewards.md
with

rewards as (
  select * from {{ ref('int_rewards__multiplied') }}
),

limits as (
  select
    window_key,
    max(case when modifier_kind_code = 'floor' then modifier_amount end) as floor_amount,
    min(case when modifier_kind_code = 'cap' then modifier_amount end) as cap_amount
  from {{ ref('int_rewards__window_modifiers') }}
  where scope_code = 'deal'
  group by window_key
),

accumulated as (
  select
    rewards.*,
    limits.floor_amount,
    limits.cap_amount,
    limits.window_key is not null and rewards.transaction_id is not null as is_limited,
    sum(rewards.reward_amount) over (
      partition by rewards.plan_id, rewards.payee_id, rewards.transaction_id
      order by rewards.reward_date, rewards.reward_id
      rows between unbounded preceding and current row
    ) as after_amount
  from rewards
  left join limits on rewards.window_key = limits.window_key
),

limited as (
  select
    *,
    {{ limited_deal('after_amount') }} as limited_after_amount,
    {{ limited_deal('after_amount - reward_amount') }} as limited_before_amount
  from accumulated
),

final as (
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
    (case when is_limited then limited_after_amount - limited_before_amount else reward_amount end)::decimal(38, 20)
      as reward_amount
  from limited
)

select * from final
