-- Settles what each bonus comes to so far, rounded to the currency: steps and lines by the payee's own basis, prizes by rank
-- (tied payees share the sum of the prizes of their positions, rounded once), pools by share of what all have attained. Who
-- was not there on any day of the window takes no place and no share.
-- Grain: one row per window, bonus and day of settlement. Rule: docs/rules/rewards.md
with

bases as (
  select
    bonus_bases.*,
    currencies.minor_unit
  from {{ ref('int_rewards__bonus_bases') }} as bonus_bases
  inner join {{ ref('currencies') }} as currencies on bonus_bases.currency_code = currencies.currency_code
),

in_range as (
  select
    *,
    coalesce(
      case tier_bound_code
        when 'lower_inclusive' then basis_amount >= basis_from and (basis_to is null or basis_amount < basis_to)
        else basis_amount > basis_from and (basis_to is null or basis_amount <= basis_to)
      end,
      false
    ) as is_in_range
  from bases
  where bonus_kind_code <> 'rank'
),

steps as (
  select
    window_key,
    bonus_number,
    settled_to,
    minor_unit,
    case when is_in_range then amount else 0 end as unrounded_amount
  from in_range
  where bonus_kind_code = 'step'
),

lines as (
  select
    window_key,
    bonus_number,
    settled_to,
    minor_unit,
    case
      when not is_in_range then 0
      when amount_to = amount or basis_to is null then amount
      else
        amount + {{ ratio(
          'cast(amount_to - amount as decimal(38, 4)) * (basis_amount - basis_from)', 'basis_to - basis_from', 14, 10, 6
        ) }}
    end as unrounded_amount
  from in_range
  where bonus_kind_code = 'linear'
),

contestants as (
  select distinct
    plan_id,
    plan_valid_from,
    window_code,
    settled_to,
    basis_code,
    window_key,
    payee_id,
    basis_amount
  from bases
  where
    bonus_kind_code = 'rank'
    and is_there
    and basis_amount > 0
),

ranked as (
  select
    *,
    rank() over (
      partition by plan_id, plan_valid_from, window_code, settled_to, basis_code
      order by basis_amount desc
    ) as first_position
  from contestants
),

tied as (
  select
    *,
    count(*) over each_tie as tie_count,
    row_number() over (each_tie order by payee_id) as tie_position
  from ranked
  window each_tie as (
    partition by plan_id, plan_valid_from, window_code, settled_to, basis_code, first_position
  )
),

won as (
  select
    bases.window_key,
    bases.bonus_number,
    bases.settled_to,
    bases.basis_code,
    bases.basis_from,
    bases.minor_unit,
    tied.tie_count,
    tied.tie_position,
    cast(coalesce(bases.amount, 0) as decimal(38, 10)) * greatest(
      cast(
        least(
          coalesce(cast(bases.basis_to as integer), tied.first_position + tied.tie_count),
          tied.first_position + tied.tie_count
        ) as integer
      )
      - cast(greatest(cast(bases.basis_from as integer), tied.first_position) as integer),
      0
    ) as prize_amount
  from tied
  inner join bases
    on
      tied.window_key = bases.window_key
      and tied.settled_to = bases.settled_to
      and tied.basis_code = bases.basis_code
  where bases.bonus_kind_code = 'rank'
),

summed as (
  select
    *,
    sum(prize_amount) over each_payee as won_amount,
    sum(prize_amount) over (
      each_payee order by basis_from, bonus_number
      rows between unbounded preceding and current row
    ) as won_to_amount
  from won
  window each_payee as (partition by window_key, settled_to, basis_code)
),

tie_parts as (
  select
    *,
    {{ ratio('won_amount * tie_position', 'tie_count', 10, 0, 6) }} as part_to_amount,
    {{ ratio('won_amount * (tie_position - 1)', 'tie_count', 10, 0, 6) }} as part_before_amount
  from summed
),

-- The tie's sum is rounded once; what follows only says of which prizes a share is made.
tie_shares as (
  select
    *,
    {{ round_money('part_to_amount', 'minor_unit') }} - {{ round_money('part_before_amount', 'minor_unit') }} as share_amount
  from tie_parts
),

prize_parts as (
  select
    *,
    {{ ratio_of_product('share_amount', 'won_to_amount', 'won_amount', 4, 10, 10, 6) }} as prize_to_amount,
    {{ ratio_of_product('share_amount', '(won_to_amount - prize_amount)', 'won_amount', 4, 10, 10, 6) }}
      as prize_before_amount
  from tie_shares
),

prizes as (
  select
    window_key,
    bonus_number,
    settled_to,
    minor_unit,
    {{ round_money('prize_to_amount', 'minor_unit') }} - {{ round_money('prize_before_amount', 'minor_unit') }}
      as unrounded_amount
  from prize_parts
),

shared as (
  select
    *,
    sum(attained_amount) over each_pool as attained_total,
    sum(attained_amount) over (
      each_pool order by payee_id
      rows between unbounded preceding and current row
    ) as attained_after
  from in_range
  where
    bonus_kind_code = 'pool'
    and is_there
    and is_in_range
    and attained_amount > 0
  window each_pool as (partition by plan_id, plan_valid_from, window_code, bonus_number, settled_to)
),

pool_parts as (
  select
    *,
    {{ ratio(
      'cast(amount as decimal(38, 4)) * cast(attained_after as decimal(28, 10))',
      'cast(attained_total as decimal(28, 10))', 14, 10, 6
    ) }} as pool_to_amount,
    {{ ratio(
      'cast(amount as decimal(38, 4)) * cast(attained_after - attained_amount as decimal(28, 10))',
      'cast(attained_total as decimal(28, 10))', 14, 10, 6
    ) }} as pool_before_amount
  from shared
),

pools as (
  select
    window_key,
    bonus_number,
    settled_to,
    minor_unit,
    {{ round_money('pool_to_amount', 'minor_unit') }} - {{ round_money('pool_before_amount', 'minor_unit') }}
      as unrounded_amount
  from pool_parts
),

united as (
  select * from steps
  union all
  select * from lines
  union all
  select * from prizes
  union all
  select * from pools
),

final as (
  select
    window_key::varchar as window_key,
    bonus_number::integer as bonus_number,
    settled_to::date as settled_to,
    (coalesce({{ round_money('cast(unrounded_amount as decimal(28, 10))', 'minor_unit') }}, 0))::decimal(18, 4)
      as bonus_amount
  from united
)

select * from final
