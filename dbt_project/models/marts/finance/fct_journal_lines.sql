-- Writes the journal: what is earned as an expense or a contract cost against the liability, what is amortised and
-- impaired, and what files have passed to payroll, in the month of the pay date. Each entry has a debit and a credit; a
-- negative amount turns them round.
-- Grain: one row per entry and account. Rule: docs/rules/accounting.md
with

journal_sources as (
  select * from {{ ref('rpt_journal_sources') }}
),

paid_lines as (
  select
    {{ month_code('pay_cycles.pay_date') }} as period_code,
    exported_lines.currency_code,
    exported_lines.line_amount
  from {{ ref('stg_books__exported_lines') }} as exported_lines
  inner join {{ ref('pay_cycles') }} as pay_cycles
    on
      exported_lines.pay_group_id = pay_cycles.pay_group_id
      and exported_lines.pay_cycle_code = pay_cycles.pay_cycle_code
  where
    exported_lines.line_kind_code = 'payment'
    and pay_cycles.pay_date <= {{ as_of_date() }}
),

payments as (
  select
    period_code,
    currency_code,
    sum(line_amount) as posted_amount,
    count(*) as source_count
  from paid_lines
  group by period_code, currency_code
),

posting_rules as (
  select * from {{ ref('posting_rules') }}
),

accounts as (
  select * from {{ ref('accounts') }}
),

entries as (
  select
    journal_entry_key,
    posting_code,
    period_code,
    plan_id,
    entry_kind_code,
    currency_code,
    sum(posted_amount) as posted_amount,
    count(*) as source_count
  from journal_sources
  group by all
  union all
  select
    concat_ws('|', period_code, 'payment', '', '', currency_code) as journal_entry_key,
    'payment' as posting_code,
    period_code,
    '' as plan_id,
    '' as entry_kind_code,
    currency_code,
    posted_amount,
    source_count
  from payments
),

ruled as (
  select
    entries.*,
    coalesce(
      rules_of_kind_in_plan.debit_account_code,
      rules_of_plan.debit_account_code,
      rules_of_kind.debit_account_code,
      rules_of_all.debit_account_code
    ) as debit_account_code,
    coalesce(
      rules_of_kind_in_plan.credit_account_code,
      rules_of_plan.credit_account_code,
      rules_of_kind.credit_account_code,
      rules_of_all.credit_account_code
    ) as credit_account_code
  from entries
  left join posting_rules as rules_of_kind_in_plan
    on
      entries.posting_code = rules_of_kind_in_plan.posting_code
      and entries.plan_id = rules_of_kind_in_plan.plan_id
      and entries.entry_kind_code = rules_of_kind_in_plan.entry_kind_code
  left join posting_rules as rules_of_plan
    on
      entries.posting_code = rules_of_plan.posting_code
      and entries.plan_id = rules_of_plan.plan_id
      and rules_of_plan.entry_kind_code is null
  left join posting_rules as rules_of_kind
    on
      entries.posting_code = rules_of_kind.posting_code
      and rules_of_kind.plan_id is null
      and entries.entry_kind_code = rules_of_kind.entry_kind_code
  left join posting_rules as rules_of_all
    on
      entries.posting_code = rules_of_all.posting_code
      and rules_of_all.plan_id is null
      and rules_of_all.entry_kind_code is null
),

sides as (
  select
    *,
    debit_account_code as account_code,
    posted_amount as net_amount
  from ruled
  union all
  select
    *,
    credit_account_code as account_code,
    -posted_amount as net_amount
  from ruled
),

final as (
  select
    (sides.journal_entry_key || '|' || sides.account_code)::varchar as journal_line_key,
    sides.journal_entry_key::varchar as journal_entry_key,
    sides.period_code::varchar as period_code,
    {{ add_days(dbt.dateadd('month', 1, first_of_month('sides.period_code')), -1) }}::date as entry_date,
    sides.posting_code::varchar as posting_code,
    sides.plan_id::varchar as plan_id,
    sides.entry_kind_code::varchar as entry_kind_code,
    sides.account_code::varchar as account_code,
    accounts.account_name::varchar as account_name,
    accounts.account_kind_code::varchar as account_kind_code,
    sides.currency_code::varchar as currency_code,
    greatest(sides.net_amount, 0)::decimal(18, 4) as debit_amount,
    greatest(-sides.net_amount, 0)::decimal(18, 4) as credit_amount,
    sides.source_count::bigint as source_count
  from sides
  inner join accounts on sides.account_code = accounts.account_code
)

select * from final
