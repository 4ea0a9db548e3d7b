-- Applies the floor and the cap per calendar month of the reward's day: a floor is a reward of the last day of the month,
-- then the cap limits the running total.
-- Grain: one row per reward of a plan with modifiers, floors included. Rule: docs/rules/rewards.md
with

rewards as (
  select * from {{ ref('int_rewards__deal_limited') }}
),

floors as (
  select * from {{ ref('int_rewards__period_floors') }}
  where scope_code = 'month'
),

window_caps as (
  select
    window_key,
    min(modifier_amount) as cap_amount
  from {{ ref('int_rewards__window_modifiers') }}
  where
    scope_code = 'month'
    and modifier_kind_code = 'cap'
  group by window_key
),

month_totals as (
  select
    floors.plan_id,
    floors.payee_id,
    floors.period_code,
    sum(rewards.reward_amount) as total_amount
  from floors
  inner join rewards
    on
      floors.plan_id = rewards.plan_id
      and floors.payee_id = rewards.payee_id
      and rewards.reward_date >= floors.period_from
      and rewards.reward_date < floors.period_to
  group by floors.plan_id, floors.payee_id, floors.period_code
),

floor_rewards as (
  select
    'floor|' || floors.plan_id || '|' || floors.payee_id || '|month|' || floors.period_code as reward_id,
    'floor' as reward_kind_code,
    floors.window_key,
    floors.plan_id,
    floors.plan_valid_from,
    floors.payee_id,
    {{ add_days('floors.period_to', -1) }} as reward_date,
    floors.currency_code,
    cast(
      cast(floors.floor_amount as decimal(38, 20))
      - coalesce(month_totals.total_amount, cast(0 as decimal(38, 20))) as decimal(38, 20)
    ) as reward_amount
  from floors
  left join month_totals
    on
      floors.plan_id = month_totals.plan_id
      and floors.payee_id = month_totals.payee_id
      and floors.period_code = month_totals.period_code
  where floors.floor_amount > coalesce(month_totals.total_amount, 0)
),

all_rewards as (
  select * from rewards
  union all by name
  select * from floor_rewards
),

running as (
  select
    all_rewards.*,
    window_caps.cap_amount,
    sum(all_rewards.reward_amount) over (
      partition by all_rewards.plan_id, all_rewards.payee_id, date_trunc('month', all_rewards.reward_date)
      order by all_rewards.reward_date, coalesce(all_rewards.transaction_id, ''), all_rewards.reward_id
      rows between unbounded preceding and current row
    ) as after_amount
  from all_rewards
  left join window_caps on all_rewards.window_key = window_caps.window_key
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
    ({{ capped_difference('after_amount', 'reward_amount', 'cap_amount') }})::decimal(38, 20) as reward_amount
  from running
)

select * from final
