-- Lists what is established and not paid at the end of a released month: what waits for the customer, what expired in the
-- month, and what is held.
-- Grain: one row per released month and what waits, expired or is held in it. Rule: docs/statements.md
with

released_months as (
  select * from {{ ref('rpt_released_months') }}
  where is_rewards_released
),

movements as (
  select * from {{ ref('fct_withheld_movements') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

lines as (
  select * from {{ ref('int_ledger__lines') }}
),

parts as (
  select
    due_lines.*,
    lines.event_code
  from {{ ref('int_ledger__due_lines') }} as due_lines
  inner join lines on due_lines.line_key = lines.line_key
  where due_lines.part_amount <> 0
),

first_postings as (
  select
    line_key,
    min(posted_period_code) as period_code
  from {{ ref('fct_ledger_lines') }}
  group by line_key
),

transactions as (
  select * from {{ ref('dim_transactions') }}
),

to_date as (
  select
    movements.commission_key,
    movements.plan_id,
    movements.payee_id,
    movements.transaction_id,
    movements.currency_code,
    released_months.period_code,
    min(case when movements.movement_code = 'estimated' then movements.movement_date end) as booked_date,
    max(case when movements.movement_code in ('estimated', 'earned') then movements.movement_date end) as last_event_date,
    sum(case when movements.movement_code = 'estimated' then movements.movement_amount else 0 end) as established_amount,
    -sum(case when movements.movement_code = 'earned' then movements.movement_amount else 0 end) as earned_amount,
    sum(movements.movement_amount) as withheld_amount,
    -sum(
      case
        when
          movements.movement_code in ('expired', 'revived', 'forfeited')
          and movements.movement_date >= released_months.period_from
          then movements.movement_amount
        else 0
      end
    ) as expired_amount
  from movements
  inner join released_months
    on
      movements.plan_id = released_months.plan_id
      and movements.movement_date < released_months.period_to
  group by
    movements.commission_key,
    movements.plan_id,
    movements.payee_id,
    movements.transaction_id,
    movements.currency_code,
    released_months.period_code
),

termed as (
  select
    to_date.*,
    {{ add_days('to_date.last_event_date', 'payout_terms.expire_after_days') }} as expires_date
  from to_date
  inner join payout_terms
    on
      to_date.plan_id = payout_terms.plan_id
      and {{ in_force('to_date.booked_date', 'payout_terms') }}
),

held as (
  select
    parts.*,
    released_months.period_code
  from parts
  inner join released_months
    on
      parts.plan_id = released_months.plan_id
      and parts.event_date < released_months.period_to
      and (parts.due_date is null or parts.due_date >= released_months.period_to)
  left join first_postings on parts.part_key = first_postings.line_key
  where
    first_postings.period_code is null
    or first_postings.period_code > released_months.period_code
),

united as (
  select
    'withheld' as waiting_code,
    commission_key as waiting_id,
    payee_id,
    plan_id,
    period_code,
    currency_code,
    transaction_id,
    booked_date as event_date,
    expires_date as until_date,
    established_amount,
    earned_amount,
    withheld_amount as waiting_amount,
    null as hold_reason
  from termed
  where withheld_amount <> 0
  union all
  select
    'expired' as waiting_code,
    commission_key as waiting_id,
    payee_id,
    plan_id,
    period_code,
    currency_code,
    transaction_id,
    booked_date as event_date,
    expires_date as until_date,
    established_amount,
    earned_amount,
    expired_amount as waiting_amount,
    null as hold_reason
  from termed
  where expired_amount <> 0
  union all
  select
    'held' as waiting_code,
    part_key as waiting_id,
    payee_id,
    plan_id,
    period_code,
    currency_code,
    transaction_id,
    event_date,
    due_date as until_date,
    null as established_amount,
    null as earned_amount,
    part_amount as waiting_amount,
    case
      when hold_id is not null then coalesce(hold_reason, hold_id)
      when part_code = 'holdback' then 'held back'
      else 'held for some days after ' || event_code
    end as hold_reason
  from held
),

final as (
  select
    concat_ws('|', united.period_code, united.waiting_code, united.waiting_id)::varchar as waiting_key,
    concat_ws('|', united.payee_id, united.plan_id, united.period_code, united.currency_code)::varchar as statement_key,
    united.payee_id::varchar as payee_id,
    united.plan_id::varchar as plan_id,
    united.period_code::varchar as period_code,
    united.currency_code::varchar as currency_code,
    united.waiting_code::varchar as waiting_code,
    united.event_date::date as event_date,
    united.until_date::date as until_date,
    united.transaction_id::varchar as transaction_id,
    transactions.source_record_id::varchar as source_record_id,
    united.established_amount::decimal(18, 4) as established_amount,
    united.earned_amount::decimal(18, 4) as earned_amount,
    united.waiting_amount::decimal(18, 4) as waiting_amount,
    united.hold_reason::varchar as hold_reason
  from united
  left join transactions on united.transaction_id = transactions.transaction_id
)

select * from final
