-- Adds the parts of each credit up to its reward, before modifiers and before rounding; says why a credit earns nothing.
-- Grain: one row per credit. Rule: docs/rules/rewards.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

gaps as (
  select * from {{ ref('int_rewards__window_gaps') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

credit_tiers as (
  select
    credit_id,
    sum(tier_reward_amount) as reward_amount,
    bool_or(is_rate_missing) as is_rate_missing,
    count(*) as tier_count,
    max(tier_number) as top_tier_number
  from {{ ref('int_rewards__credit_tiers') }}
  group by credit_id
),

final as (
  select
    credits.credit_id::varchar as credit_id,
    credits.window_key::varchar as window_key,
    credits.transaction_id::varchar as transaction_id,
    credits.plan_id::varchar as plan_id,
    credits.plan_valid_from::date as plan_valid_from,
    credits.payee_id::varchar as payee_id,
    credits.credit_date::date as reward_date,
    credits.currency_code::varchar as currency_code,
    plan_versions.gap_code::varchar as gap_code,
    coalesce(credit_tiers.tier_count, 0)::integer as tier_count,
    credit_tiers.top_tier_number::integer as top_tier_number,
    (
      case
        when credits.credited_amount = 0 and credits.payable_amount = 0 then 0
        when gaps.window_key is not null or coalesce(credit_tiers.is_rate_missing, false) then 0
        else coalesce(credit_tiers.reward_amount, 0)
      end
    )::decimal(38, 20) as reward_amount,
    coalesce(gaps.reason_code, case when credit_tiers.is_rate_missing then 'missing_rate' end)::varchar as reason_code
  from credits
  inner join plan_versions
    on
      credits.plan_id = plan_versions.plan_id
      and credits.plan_valid_from = plan_versions.valid_from
  left join gaps on credits.window_key = gaps.window_key
  left join credit_tiers on credits.credit_id = credit_tiers.credit_id
)

select * from final
