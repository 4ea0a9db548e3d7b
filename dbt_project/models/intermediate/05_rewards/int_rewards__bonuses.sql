-- Makes each bonus due on the last day of its stretch: what it comes to so far less what was due before.
-- Grain: one row per window, bonus and day of settlement on which something changes. Rule: docs/rules/rewards.md
with

bases as (
  select * from {{ ref('int_rewards__bonus_bases') }}
),

bonus_amounts as (
  select * from {{ ref('int_rewards__bonus_amounts') }}
),

settled as (
  select
    bases.*,
    coalesce(bonus_amounts.bonus_amount, 0) as bonus_amount
  from bases
  left join bonus_amounts
    on
      bases.window_key = bonus_amounts.window_key
      and bases.bonus_number = bonus_amounts.bonus_number
      and bases.settled_to = bonus_amounts.settled_to
),

differenced as (
  select
    *,
    bonus_amount - coalesce(
      lag(bonus_amount) over (partition by window_key, bonus_number order by settled_to),
      0
    ) as reward_amount
  from settled
),

final as (
  select
    ('bonus|' || window_key || '|' || cast(bonus_number as varchar) || '|' || cast(settled_to as varchar))::varchar
      as reward_id,
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    bonus_number::integer as bonus_number,
    {{ add_days('settled_to', -1) }}::date as reward_date,
    currency_code::varchar as currency_code,
    gap_code::varchar as gap_code,
    basis_amount::decimal(28, 10) as basis_amount,
    reward_amount::decimal(18, 4) as reward_amount,
    reason_code::varchar as reason_code
  from differenced
  where
    reward_amount <> 0
    or reason_code is not null
)

select * from final
