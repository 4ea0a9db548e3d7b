-- Says what is due to date by today's data, plans and approved adjustments, with marks of what each amount rests on: the
-- deal and its payment, the numbers of the window, the plan.
-- Grain: one row per due line of commission (or its held back part) or an adjustment. Rule: docs/rules/ledger.md
with

lines as (
  select * from {{ ref('int_ledger__lines') }}
),

rewards as (
  select * from {{ ref('int_rewards__rounded') }}
),

due_lines as (
  select * from {{ ref('int_ledger__due_lines') }}
  where is_due
),

adjustments as (
  select * from {{ ref('int_ledger__adjustments') }}
  where state_code in ('approved', 'reversed')
),

transactions as (
  select
    transaction_id,
    version_code,
    md5(concat_ws(
      '|', booked_date, owner_alias, territory_id, currency_code, transaction_amount, is_closed_won, is_deleted_in_source
    )) as source_fingerprint
  from {{ ref('int_pool__transaction_versions') }}
),

read_versions as (
  select distinct
    plan_versions.plan_id,
    {{ version_code('plan_versions') }} as version_code
  from {{ ref('plans') }} as plan_versions
),

number_fingerprints as (
  select * from {{ ref('int_ledger__number_fingerprints') }}
),

plan_fingerprints as (
  select * from {{ ref('int_ledger__plan_fingerprints') }}
),

united as (
  select
    due_lines.part_key as line_key,
    'reward' as entry_code,
    lines.event_code,
    lines.event_date,
    coalesce(due_lines.due_date, lines.event_date) as due_date,
    lines.period_code,
    lines.payee_id,
    lines.plan_id,
    lines.currency_code,
    due_lines.part_amount as line_amount,
    lines.reward_id,
    lines.reward_kind_code,
    lines.credit_id,
    lines.transaction_id,
    lines.credited_payee_id,
    lines.payment_id,
    transactions.source_fingerprint,
    number_fingerprints.numbers_fingerprint
  from due_lines
  inner join lines on due_lines.line_key = lines.line_key
  inner join rewards on lines.reward_id = rewards.reward_id
  left join read_versions on lines.plan_id = read_versions.plan_id
  left join transactions
    on
      lines.transaction_id = transactions.transaction_id
      and read_versions.version_code = transactions.version_code
  left join number_fingerprints on rewards.window_key = number_fingerprints.window_key
  union all
  select
    'adjustment|' || cast(adjustment_number as varchar) as line_key,
    'adjustment' as entry_code,
    'adjustment' as event_code,
    {{ first_of_month('period_code') }} as event_date,
    {{ first_of_month('period_code') }} as due_date,
    period_code,
    payee_id,
    plan_id,
    currency_code,
    adjustment_amount as line_amount,
    null as reward_id,
    null as reward_kind_code,
    null as credit_id,
    null as transaction_id,
    null as credited_payee_id,
    null as payment_id,
    null as source_fingerprint,
    null as numbers_fingerprint
  from adjustments
),

final as (
  select
    united.line_key::varchar as line_key,
    united.entry_code::varchar as entry_code,
    united.event_code::varchar as event_code,
    united.event_date::date as event_date,
    united.due_date::date as due_date,
    united.period_code::varchar as period_code,
    united.payee_id::varchar as payee_id,
    united.plan_id::varchar as plan_id,
    united.currency_code::varchar as currency_code,
    united.line_amount::decimal(18, 4) as line_amount,
    united.reward_id::varchar as reward_id,
    united.reward_kind_code::varchar as reward_kind_code,
    united.credit_id::varchar as credit_id,
    united.transaction_id::varchar as transaction_id,
    united.credited_payee_id::varchar as credited_payee_id,
    united.payment_id::varchar as payment_id,
    united.source_fingerprint::varchar as source_fingerprint,
    united.numbers_fingerprint::varchar as numbers_fingerprint,
    plan_fingerprints.plan_fingerprint::varchar as plan_fingerprint
  from united
  left join plan_fingerprints on united.plan_id = plan_fingerprints.plan_id
)

select * from final
