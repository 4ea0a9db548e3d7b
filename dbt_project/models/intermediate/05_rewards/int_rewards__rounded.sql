-- Rounds every reward once, to the minor unit of its currency. The credits of a window are rounded as a running total and
-- differenced, so that they add up to the rounded total of the window; every other reward is rounded by itself.
-- Grain: one row per reward. Rule: docs/rules/rewards.md
with

modified_plans as (
  select distinct plan_id
  from {{ ref('modifiers') }}
),

rewards as (
  select rewards.*
  from {{ ref('int_rewards__rewards') }} as rewards
  left join modified_plans on rewards.plan_id = modified_plans.plan_id
  where modified_plans.plan_id is null
  union all
  select * from {{ ref('int_rewards__year_limited') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

accumulated as (
  select
    rewards.*,
    currencies.minor_unit,
    case
      when rewards.reward_kind_code = 'credit'
        then sum(rewards.reward_amount) over (
          partition by rewards.window_key, rewards.reward_kind_code
          order by rewards.reward_date, rewards.transaction_id, rewards.reward_id
          rows between unbounded preceding and current row
        )
      else rewards.reward_amount
    end as after_amount
  from rewards
  inner join currencies on rewards.currency_code = currencies.currency_code
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
    minor_unit::integer as minor_unit,
    reward_amount::decimal(38, 20) as unrounded_amount,
    (
      {{ round_money('after_amount', 'minor_unit') }} - {{ round_money('after_amount - reward_amount', 'minor_unit') }}
    )::decimal(18, 4) as commission_amount
  from accumulated
)

select * from final
