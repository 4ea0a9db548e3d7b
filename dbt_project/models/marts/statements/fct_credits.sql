-- Shows each credit with what its booking established, what has become due, and what is still withheld.
-- Grain: one row per credit.
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

moves as (
  select * from {{ ref('int_attainment__moves') }}
),

rewards as (
  select * from {{ ref('int_rewards__credit_rewards') }}
),

rounded as (
  select * from {{ ref('int_rewards__rounded') }}
  where reward_kind_code = 'credit'
),

earned as (
  select
    credit_id,
    sum(line_amount) as earned_amount,
    sum(case when event_code in ('clawback', 'clawback_return') then line_amount else 0 end) as clawback_amount
  from {{ ref('int_ledger__lines') }}
  where credit_id is not null
  group by credit_id
),

expired as (
  select
    credit_id,
    sum(expired_amount) as expired_amount
  from {{ ref('rpt_withheld_deals') }}
  group by credit_id
),

final as (
  select
    credits.credit_id::varchar as credit_id,
    credits.transaction_id::varchar as transaction_id,
    credits.plan_id::varchar as plan_id,
    credits.plan_valid_from::date as plan_valid_from,
    credits.payee_id::varchar as payee_id,
    credits.credit_type_code::varchar as credit_type_code,
    credits.rule_id::varchar as rule_id,
    credits.level_number::integer as level_number,
    credits.credit_date::date as credit_date,
    credits.window_code::varchar as window_code,
    credits.currency_code::varchar as currency_code,
    credits.credited_amount::decimal(28, 10) as credited_amount,
    credits.payable_amount::decimal(28, 10) as payable_amount,
    moves.cumulative_before_amount::decimal(28, 10) as cumulative_before_amount,
    moves.cumulative_after_amount::decimal(28, 10) as cumulative_after_amount,
    rounded.commission_amount::decimal(18, 4) as commission_amount,
    coalesce(earned.earned_amount, 0)::decimal(18, 4) as earned_amount,
    coalesce(earned.clawback_amount, 0)::decimal(18, 4) as clawback_amount,
    coalesce(expired.expired_amount, 0)::decimal(18, 4) as expired_amount,
    (
      rounded.commission_amount
      + coalesce(earned.clawback_amount, 0)
      - coalesce(earned.earned_amount, 0)
      - coalesce(expired.expired_amount, 0)
    )::decimal(18, 4) as withheld_amount,
    rewards.reason_code::varchar as reason_code
  from credits
  inner join moves on credits.credit_id = moves.credit_id
  inner join rewards on credits.credit_id = rewards.credit_id
  inner join rounded on credits.credit_id = rounded.credit_id
  left join earned on credits.credit_id = earned.credit_id
  left join expired on credits.credit_id = expired.credit_id
)

select * from final
