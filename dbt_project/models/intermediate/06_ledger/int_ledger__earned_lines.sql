-- Recognises what is earned, due or held: in the month of its event while that is open, else in the first open month, less
-- what closed months have recognised. Adjustments and draws are earned in the month that posts them.
-- Grain: one row per line and month that recognises something of it. Rule: docs/rules/accounting.md
with

due_lines as (
  select * from {{ ref('int_ledger__due_lines') }}
),

lines as (
  select * from {{ ref('int_ledger__lines') }}
),

first_open as (
  select
    {{ month_code(dbt.dateadd('month', 1, first_of_month('max(period_code)'))) }} as period_code
  from {{ ref('stg_books__closings') }}
),

posted_lines as (
  select * from {{ ref('stg_books__lines') }}
),

held_lines as (
  select * from {{ ref('stg_books__held_lines') }}
),

closed_lines as (
  select
    coalesce(posted_lines.posted_period_code, held_lines.period_code) as period_code,
    coalesce(posted_lines.line_key, held_lines.line_key) as line_key,
    coalesce(posted_lines.entry_code, 'reward') as entry_code,
    coalesce(posted_lines.event_code, held_lines.event_code) as event_code,
    coalesce(posted_lines.event_date, held_lines.event_date) as event_date,
    coalesce(posted_lines.payee_id, held_lines.payee_id) as payee_id,
    coalesce(posted_lines.plan_id, held_lines.plan_id) as plan_id,
    coalesce(posted_lines.transaction_id, held_lines.transaction_id) as transaction_id,
    coalesce(posted_lines.currency_code, held_lines.currency_code) as currency_code,
    coalesce(posted_lines.line_amount, 0) + coalesce(held_lines.held_amount, 0) as earned_amount,
    true as is_closed
  from posted_lines
  full outer join held_lines
    on
      posted_lines.line_key = held_lines.line_key
      and posted_lines.posted_period_code = held_lines.period_code
  where
    held_lines.line_key is null
    or coalesce(posted_lines.line_amount, 0) + held_lines.held_amount <> 0
),

recognised as (
  select
    line_key,
    max_by(event_code, period_code) as event_code,
    max_by(event_date, period_code) as event_date,
    max_by(payee_id, period_code) as payee_id,
    max_by(plan_id, period_code) as plan_id,
    max_by(transaction_id, period_code) as transaction_id,
    max_by(currency_code, period_code) as currency_code,
    sum(earned_amount) as recognised_amount
  from closed_lines
  where entry_code = 'reward'
  group by line_key
),

earned as (
  select
    due_lines.*,
    lines.event_code
  from due_lines
  inner join lines on due_lines.line_key = lines.line_key
  where
    due_lines.is_due
    or due_lines.event_date <= {{ as_of_date() }}
),

compared as (
  select
    coalesce(earned.part_key, recognised.line_key) as line_key,
    coalesce(earned.event_code, recognised.event_code) as event_code,
    coalesce(earned.event_date, recognised.event_date) as event_date,
    coalesce(earned.payee_id, recognised.payee_id) as payee_id,
    coalesce(earned.plan_id, recognised.plan_id) as plan_id,
    coalesce(earned.transaction_id, recognised.transaction_id) as transaction_id,
    coalesce(earned.currency_code, recognised.currency_code) as currency_code,
    coalesce(earned.part_amount, 0) - coalesce(recognised.recognised_amount, 0) as earned_amount,
    recognised.line_key is not null as is_recognised_before
  from earned
  full outer join recognised on earned.part_key = recognised.line_key
),

open_lines as (
  select
    greatest({{ month_code('compared.event_date') }}, coalesce(first_open.period_code, '')) as period_code,
    compared.line_key,
    'reward' as entry_code,
    compared.event_code,
    compared.event_date,
    compared.payee_id,
    compared.plan_id,
    compared.transaction_id,
    compared.currency_code,
    compared.earned_amount
  from compared
  cross join first_open
  where
    not compared.is_recognised_before
    or compared.earned_amount <> 0
),

adjustment_lines as (
  select
    posted_period_code as period_code,
    line_key,
    entry_code,
    event_code,
    event_date,
    payee_id,
    plan_id,
    transaction_id,
    currency_code,
    line_amount as earned_amount
  from {{ ref('int_ledger__open_lines') }}
  where entry_code <> 'reward'
),

draw_lines as (
  select
    period_code,
    line_key,
    'draw' as entry_code,
    event_code,
    settled_date as event_date,
    payee_id,
    plan_id,
    currency_code,
    line_amount as earned_amount
  from {{ ref('int_ledger__draw_lines') }}
),

united as (
  select * from closed_lines
  union all by name
  select * from open_lines
  union all by name
  select * from adjustment_lines
  union all by name
  select * from draw_lines
),

final as (
  select
    (period_code || '|' || line_key)::varchar as earned_line_key,
    line_key::varchar as line_key,
    period_code::varchar as period_code,
    entry_code::varchar as entry_code,
    event_code::varchar as event_code,
    event_date::date as event_date,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    currency_code::varchar as currency_code,
    earned_amount::decimal(18, 4) as earned_amount,
    coalesce(is_closed, false)::boolean as is_closed
  from united
)

select * from final
