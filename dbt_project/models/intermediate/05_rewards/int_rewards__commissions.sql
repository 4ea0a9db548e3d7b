-- Adds a credit's tier parts up to its commission: the amount that the booking establishes (estimated).
-- Grain: one row a credit. Rule: docs/rules/rewards.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

positions as (
  select * from {{ ref('int_attainment__positions') }}
),

credit_tiers as (
  select
    credit_id,
    sum(tier_commission_amount) as commission_amount,
    count(*) as tier_count,
    max(tier_number) as top_tier_number
  from {{ ref('int_rewards__credit_tiers') }}
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
    credits.level_number::integer as level_number,
    credits.credit_date::date as credit_date,
    positions.window_key::varchar as window_key,
    credits.window_code::varchar as window_code,
    credits.currency_code::varchar as currency_code,
    credits.credited_amount::decimal(28, 10) as credited_amount,
    positions.cumulative_before_amount::decimal(28, 10) as cumulative_before_amount,
    positions.cumulative_after_amount::decimal(28, 10) as cumulative_after_amount,
    credit_tiers.tier_count::bigint as tier_count,
    credit_tiers.top_tier_number::integer as top_tier_number,
    (
      case when credits.credited_amount = 0 then 0 else credit_tiers.commission_amount end
    )::decimal(18, 4) as commission_amount
  from credits
  inner join positions on credits.credit_id = positions.credit_id
  left join credit_tiers on credits.credit_id = credit_tiers.credit_id
)

select * from final
