-- Splits each credit of a marginal plan over the tiers that it moves through. Each part is worth the difference of the
-- curve at its two ends, or with a rate table its value times the tier's and the table's rate. The first tier also
-- takes what lies below its start, a last tier with an end nothing beyond it. A curve that counts from its first bound,
-- below zero, moves the first credit of the running total from there.
-- Grain: one row per credit and tier touched. Rule: docs/rules/rewards.md
with

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
  where tier_method_code = 'marginal'
),

credits as (
  select
    *,
    -- A credit of nothing earns nothing, so it is not the one that moves from the first bound.
    coalesce(credited_amount = 0 and payable_amount = 0, false) as is_nothing
  from {{ ref('int_attainment__moves') }}
  where credit_id is not null
),

numbered as (
  select
    *,
    row_number() over (
      partition by progress_key, is_nothing
      order by move_date, move_order, move_id
    ) as credit_number
  from credits
),

moves as (
  select
    numbered.credit_id,
    numbered.window_key,
    coalesce(first_tiers.start_amount, numbered.cumulative_before_amount) as cumulative_before_amount,
    numbered.cumulative_after_amount
  from numbered
  left join tier_curves as first_tiers
    on
      numbered.window_key = first_tiers.window_key
      and numbered.credit_number = 1
      and not numbered.is_nothing
      and first_tiers.is_first
      and first_tiers.is_counted_from_first_bound
      and first_tiers.start_amount < 0
),

credit_rates as (
  select * from {{ ref('int_rewards__credit_rates') }}
),

rated_plans as (
  select distinct plan_id
  from {{ ref('rates') }}
),

touched as (
  select
    tier_curves.*,
    moves.credit_id,
    rated_plans.plan_id is not null as is_rated,
    credit_rates.table_rate,
    case
      when not tier_curves.is_first and moves.cumulative_before_amount < tier_curves.start_amount
        then tier_curves.start_amount
      when
        (not tier_curves.is_last or tier_curves.end_amount is not null)
        and moves.cumulative_before_amount > tier_curves.end_amount
        then tier_curves.end_amount
      else moves.cumulative_before_amount
    end as part_from_amount,
    case
      when not tier_curves.is_first and moves.cumulative_after_amount < tier_curves.start_amount
        then tier_curves.start_amount
      when
        (not tier_curves.is_last or tier_curves.end_amount is not null)
        and moves.cumulative_after_amount > tier_curves.end_amount
        then tier_curves.end_amount
      else moves.cumulative_after_amount
    end as part_to_amount
  from moves
  inner join tier_curves
    on
      moves.window_key = tier_curves.window_key
      and (
        tier_curves.is_first
        or greatest(moves.cumulative_before_amount, moves.cumulative_after_amount) > tier_curves.start_amount
      )
      and (
        tier_curves.is_last
        or least(moves.cumulative_before_amount, moves.cumulative_after_amount) < tier_curves.end_amount
      )
  left join rated_plans on tier_curves.plan_id = rated_plans.plan_id
  left join credit_rates
    on
      moves.credit_id = credit_rates.credit_id
      and tier_curves.tier_number = credit_rates.tier_number
),

final as (
  select
    (credit_id || '|' || cast(tier_number as varchar))::varchar as credit_tier_key,
    credit_id::varchar as credit_id,
    window_key::varchar as window_key,
    tier_number::integer as tier_number,
    (case when is_rated then round(cast(rate as decimal(38, 10)) * table_rate, 10) else rate end)::decimal(28, 10)
      as rate,
    (part_to_amount - part_from_amount)::decimal(28, 10) as tier_value_amount,
    (
      case
        when not is_rated then {{ curve_at('part_to_amount') }} - {{ curve_at('part_from_amount') }}
        else
          cast(cast(part_to_amount - part_from_amount as decimal(38, 10)) * rate as decimal(38, 20))
          * cast(coalesce(table_rate, 0) as decimal(18, 10))
      end
    )::decimal(38, 20) as tier_reward_amount,
    (is_rated and table_rate is null and part_to_amount <> part_from_amount)::boolean as is_rate_missing
  from touched
)

select * from final
