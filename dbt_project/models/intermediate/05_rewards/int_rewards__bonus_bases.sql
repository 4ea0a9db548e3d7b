-- Looks at what each bonus asks for (attainment, amount or number of credits) on each day on which it is settled: the
-- end of the window, or every month end to date. Only what has ended by the day the run looks at,
-- and only under the plan version that is in force then.
-- Grain: one row per window, bonus and day of settlement. Rule: docs/rules/rewards.md
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
  where calendar_id <> 'transaction'
),

bonuses as (
  select * from {{ ref('bonuses') }}
),

moves as (
  select * from {{ ref('int_attainment__moves') }}
),

months as (
  select * from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

plan_versions as (
  select * from {{ ref('plans') }}
),

plan_numbers as (
  select * from {{ ref('int_attainment__plan_numbers') }}
),

offered as (
  select
    windows.*,
    bonuses.bonus_number,
    bonuses.bonus_kind_code,
    bonuses.basis_code,
    bonuses.basis_from,
    bonuses.basis_to,
    bonuses.frequency_code,
    plan_versions.aggregate_code,
    plan_versions.tier_bound_code,
    plan_versions.gap_code,
    bonuses.amount_to_expression is not null as has_amount_to,
    amounts.number_value as amount,
    amounts_to.number_value as amount_to
  from windows
  inner join bonuses
    on
      windows.plan_id = bonuses.plan_id
      and {{ in_force('windows.parameters_date', 'bonuses') }}
  inner join plan_versions
    on
      windows.plan_id = plan_versions.plan_id
      and windows.plan_valid_from = plan_versions.valid_from
  left join plan_numbers as amounts
    on
      windows.window_key = amounts.window_key
      and windows.parameters_date = amounts.number_date
      and amounts.number_kind_code = 'bonus'
      and bonuses.bonus_number = amounts.number
  left join plan_numbers as amounts_to
    on
      windows.window_key = amounts_to.window_key
      and windows.parameters_date = amounts_to.number_date
      and amounts_to.number_kind_code = 'bonus_to'
      and bonuses.bonus_number = amounts_to.number
),

settled as (
  select
    *,
    window_to as settled_to
  from offered
  where window_to is not null
  union
  select
    offered.*,
    months.window_to as settled_to
  from offered
  inner join months
    on
      offered.frequency_code = 'month'
      and months.window_to > offered.parameters_date
      and (offered.window_to is null or months.window_to < offered.window_to)
),

due as (
  select *
  from settled
  where
    {{ add_days('settled_to', -1) }} <= {{ as_of_date() }}
    and (measured_to is null or settled_to <= measured_to)
),

progressed as (
  select
    due.window_key,
    due.bonus_number,
    due.settled_to,
    sum(moves.move_amount) as moved_amount,
    sum(moves.weighed_amount) as weighed_amount,
    sum(moves.weight) as weight,
    count(case when moves.window_key = due.window_key then moves.credit_id end) as credit_count
  from due
  inner join moves
    on
      due.progress_key = moves.progress_key
      and moves.move_date < due.settled_to
  group by due.window_key, due.bonus_number, due.settled_to
),

attained as (
  select
    due.*,
    coalesce(progressed.credit_count, 0) as credit_count_to_date,
    case
      when due.aggregate_code in ('sum', 'count') then cast(coalesce(progressed.moved_amount, 0) as decimal(28, 10))
      when coalesce(progressed.weight, 0) = 0 then null
      else {{ ratio(
        'cast(progressed.weighed_amount as decimal(38, 20))', 'cast(progressed.weight as decimal(28, 10))', 20, 10
      ) }}
    end as attained_to_date_amount
  from due
  left join progressed
    on
      due.window_key = progressed.window_key
      and due.bonus_number = progressed.bonus_number
      and due.settled_to = progressed.settled_to
),

final as (
  select
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    bonus_number::integer as bonus_number,
    settled_to::date as settled_to,
    is_there::boolean as is_there,
    currency_code::varchar as currency_code,
    bonus_kind_code::varchar as bonus_kind_code,
    basis_code::varchar as basis_code,
    tier_bound_code::varchar as tier_bound_code,
    gap_code::varchar as gap_code,
    basis_from::decimal(28, 10) as basis_from,
    basis_to::decimal(28, 10) as basis_to,
    amount::decimal(28, 10) as amount,
    (case when has_amount_to then amount_to else amount end)::decimal(28, 10) as amount_to,
    attained_to_date_amount::decimal(28, 10) as attained_amount,
    (
      case basis_code
        when 'attained_amount' then attained_to_date_amount
        when 'credit_count' then cast(credit_count_to_date as decimal(28, 10))
        else {{ ratio('attained_to_date_amount', 'quota_amount') }}
      end
    )::decimal(28, 10) as basis_amount,
    (
      case when amount is null or (has_amount_to and amount_to is null) then 'missing_variable' end
    )::varchar as reason_code
  from attained
)

select * from final
