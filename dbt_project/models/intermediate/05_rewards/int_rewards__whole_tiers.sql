-- Prices each credit of a crossing, standing or retroactive plan by one tier. Crossing: the tier at the end of its move;
-- standing: the tier at its start (a negative credit mirrors the way up); both times the credit's payable value.
-- Retroactive: the reached tier's rate on all of the window, less the same before the credit.
-- Grain: one row per credit. Rule: docs/rules/rewards.md
with

moves as (
  select * from {{ ref('int_attainment__moves') }}
  where credit_id is not null
),

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
  where tier_method_code <> 'marginal'
),

credit_rates as (
  select * from {{ ref('int_rewards__credit_rates') }}
),

rated_plans as (
  select distinct plan_id
  from {{ ref('rates') }}
),

placed as (
  select
    moves.*,
    greatest(moves.cumulative_before_amount, moves.cumulative_after_amount) as upper_amount,
    least(moves.cumulative_before_amount, moves.cumulative_after_amount) as lower_amount
  from moves
),

priced as (
  select
    placed.credit_id,
    placed.window_key,
    placed.payable_amount,
    case when tier_curves.is_paid_on_payable then placed.payable_before_amount else placed.cumulative_before_amount end
      as total_before_amount,
    case when tier_curves.is_paid_on_payable then placed.payable_after_amount else placed.cumulative_after_amount end
      as total_after_amount,
    tier_curves.plan_id,
    tier_curves.tier_method_code,
    tier_curves.tier_number,
    tier_curves.is_scaled,
    tier_curves.scale_numerator,
    tier_curves.scale_denominator,
    tier_curves.rate,
    before_tiers.rate as rate_before
  from placed
  inner join tier_curves
    on
      placed.window_key = tier_curves.window_key
      and {{ is_in_tier(
        "case tier_curves.tier_method_code when 'crossing' then placed.upper_amount when 'standing' then placed.lower_amount else placed.cumulative_after_amount end",
        'tier_curves'
      ) }}
  left join tier_curves as before_tiers
    on
      placed.window_key = before_tiers.window_key
      and before_tiers.tier_method_code = 'retroactive'
      and {{ is_in_tier('placed.cumulative_before_amount', 'before_tiers') }}
),

rated as (
  select
    priced.*,
    rated_plans.plan_id is not null as is_rated,
    credit_rates.table_rate,
    case
      when rated_plans.plan_id is null then priced.rate
      else cast(round(cast(priced.rate as decimal(38, 10)) * coalesce(credit_rates.table_rate, 0), 10) as decimal(28, 10))
    end as final_rate
  from priced
  left join rated_plans on priced.plan_id = rated_plans.plan_id
  left join credit_rates
    on
      priced.credit_id = credit_rates.credit_id
      and priced.tier_number = credit_rates.tier_number
),

rewarded as (
  select
    *,
    cast(
      case
        when tier_method_code = 'retroactive'
          then
            cast(total_after_amount as decimal(38, 10)) * final_rate
            - cast(total_before_amount as decimal(38, 10)) * rate_before
        else cast(payable_amount as decimal(38, 10)) * final_rate
      end as decimal(38, 20)
    ) as straight_amount,
    cast(cast(total_after_amount as decimal(38, 10)) * final_rate as decimal(38, 20)) as straight_after_amount,
    cast(cast(total_before_amount as decimal(38, 10)) * rate_before as decimal(38, 20)) as straight_before_amount
  from rated
),

final as (
  select
    (credit_id || '|' || cast(tier_number as varchar))::varchar as credit_tier_key,
    credit_id::varchar as credit_id,
    window_key::varchar as window_key,
    tier_number::integer as tier_number,
    final_rate::decimal(28, 10) as rate,
    payable_amount::decimal(28, 10) as tier_value_amount,
    (
      case
        when not is_scaled then straight_amount
        when tier_method_code = 'retroactive'
          then
            cast({{ scaled('straight_after_amount') }} as decimal(38, 20))
            - cast({{ scaled('straight_before_amount') }} as decimal(38, 20))
        else cast({{ scaled('straight_amount') }} as decimal(38, 20))
      end
    )::decimal(38, 20) as tier_reward_amount,
    (is_rated and table_rate is null)::boolean as is_rate_missing
  from rewarded
)

select * from final
