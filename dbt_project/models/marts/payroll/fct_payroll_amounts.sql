-- Adds the ledger up to what payroll pays together, and finds the pay group and the pay cycle of each amount.
-- Grain: one row per payee, plan, month that posts, currency and kind of entry. Rule: docs/rules/payroll.md
with

ledger_lines as (
  select
    *,
    {{ add_days(dbt.dateadd('month', 1, first_of_month('posted_period_code')), -1) }} as last_day
  from {{ ref('fct_ledger_lines') }}
),

entry_kinds as (
  select * from {{ ref('entry_kinds') }}
),

own_members as (
  select * from {{ ref('pay_group_members') }}
  where payee_id is not null
),

other_members as (
  select * from {{ ref('pay_group_members') }}
  where payee_id is null
),

pay_cycles as (
  select * from {{ ref('pay_cycles') }}
),

amounts as (
  select
    ledger_lines.payee_id,
    ledger_lines.plan_id,
    ledger_lines.posted_period_code as period_code,
    ledger_lines.currency_code,
    coalesce(entry_kinds.entry_kind_code, ledger_lines.event_code) as entry_kind_code,
    ledger_lines.last_day,
    sum(ledger_lines.line_amount) as ledger_amount,
    count(*) as line_count
  from ledger_lines
  left join entry_kinds on ledger_lines.event_code = entry_kinds.event_code
  group by
    ledger_lines.payee_id, ledger_lines.plan_id, ledger_lines.posted_period_code, ledger_lines.currency_code,
    coalesce(entry_kinds.entry_kind_code, ledger_lines.event_code), ledger_lines.last_day
),

grouped as (
  select
    amounts.*,
    coalesce(own_members.pay_group_id, other_members.pay_group_id) as pay_group_id
  from amounts
  left join own_members
    on
      amounts.payee_id = own_members.payee_id
      and {{ in_force('amounts.last_day', 'own_members') }}
  left join other_members on {{ in_force('amounts.last_day', 'other_members') }}
),

final as (
  select
    concat_ws('|', grouped.payee_id, grouped.plan_id, grouped.period_code, grouped.currency_code, grouped.entry_kind_code)
    ::varchar as amount_key,
    grouped.payee_id::varchar as payee_id,
    grouped.plan_id::varchar as plan_id,
    grouped.period_code::varchar as period_code,
    grouped.currency_code::varchar as currency_code,
    grouped.entry_kind_code::varchar as entry_kind_code,
    grouped.pay_group_id::varchar as pay_group_id,
    pay_cycles.pay_cycle_code::varchar as pay_cycle_code,
    grouped.ledger_amount::decimal(18, 4) as ledger_amount,
    grouped.line_count::bigint as line_count
  from grouped
  left join pay_cycles
    on
      grouped.pay_group_id = pay_cycles.pay_group_id
      and {{ in_force(first_of_month('grouped.period_code'), 'pay_cycles') }}
)

select * from final
