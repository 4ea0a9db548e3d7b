-- Invariant 3: what a closed month's journal accrues of a plan is what its book posts and holds; what the open months'
-- journals accrue is what they post, and what is held today less what the books held; what is paid is what files have paid.
-- The preflight finds a posting without a rule, and a liability other than the one that payments debit
-- (orchestration/plans/checks/accounting_rules.py). A company without posting rules keeps no journal here.
with

closings as (
  select * from {{ ref('stg_books__closings') }}
),

amounts as (
  select
    case when is_posted then posted_period_code else 'open' end as period_code,
    plan_id,
    currency_code,
    line_amount
  from {{ ref('fct_ledger_lines') }}
  union all
  select
    period_code,
    plan_id,
    currency_code,
    held_amount as line_amount
  from {{ ref('stg_books__held_lines') }}
  union all
  select
    'open' as period_code,
    plan_id,
    currency_code,
    -held_amount as line_amount
  from {{ ref('stg_books__held_lines') }}
  union all
  select
    'open' as period_code,
    plan_id,
    currency_code,
    held_amount as line_amount
  from {{ ref('rpt_held_lines') }}
  where event_date <= {{ as_of_date() }}
),

ledger as (
  select
    period_code,
    plan_id,
    currency_code,
    sum(line_amount) as ledger_amount
  from amounts
  group by period_code, plan_id, currency_code
),

liability_accounts as (
  select account_code
  from {{ ref('accounts') }}
  where account_kind_code = 'liability'
),

journal_lines as (
  select journal_lines.*
  from {{ ref('fct_journal_lines') }} as journal_lines
  inner join liability_accounts on journal_lines.account_code = liability_accounts.account_code
),

accrued as (
  select
    coalesce(closings.period_code, 'open') as period_code,
    journal_lines.plan_id,
    journal_lines.currency_code,
    sum(journal_lines.credit_amount - journal_lines.debit_amount) as accrued_amount
  from journal_lines
  left join closings on journal_lines.period_code = closings.period_code
  where journal_lines.posting_code in ('accrual', 'capitalisation')
  group by coalesce(closings.period_code, 'open'), journal_lines.plan_id, journal_lines.currency_code
),

paid as (
  select
    currency_code,
    sum(debit_amount - credit_amount) as paid_amount
  from journal_lines
  where posting_code = 'payment'
  group by currency_code
),

exported as (
  select
    exported_lines.currency_code,
    sum(exported_lines.line_amount) as exported_amount
  from {{ ref('stg_books__exported_lines') }} as exported_lines
  inner join {{ ref('pay_cycles') }} as pay_cycles
    on
      exported_lines.pay_group_id = pay_cycles.pay_group_id
      and exported_lines.pay_cycle_code = pay_cycles.pay_cycle_code
      and pay_cycles.pay_date <= {{ as_of_date() }}
  where exported_lines.line_kind_code = 'payment'
  group by exported_lines.currency_code
)

select coalesce(ledger.plan_id || ' ' || ledger.period_code, accrued.plan_id || ' ' || accrued.period_code) as difference_key
from ledger
full outer join accrued
  on
    ledger.period_code = accrued.period_code
    and ledger.plan_id = accrued.plan_id
    and ledger.currency_code = accrued.currency_code
where
  coalesce(ledger.ledger_amount, 0) <> coalesce(accrued.accrued_amount, 0)
  and exists (select 1 from {{ ref('posting_rules') }})
union all
select coalesce(paid.currency_code, exported.currency_code) as difference_key
from paid
full outer join exported on paid.currency_code = exported.currency_code
where
  coalesce(paid.paid_amount, 0) <> coalesce(exported.exported_amount, 0)
  and exists (select 1 from {{ ref('posting_rules') }})
