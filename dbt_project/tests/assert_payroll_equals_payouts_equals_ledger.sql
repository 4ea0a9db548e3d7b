-- Invariant 3: payroll, payouts and ledger agree for each payee, currency and pay cycle; what is carried out of a cycle is
-- carried into the next one; and nothing was exported that the reconciliation does not show.
with

reconciliation as (
  select * from {{ ref('rpt_payroll_reconciliation') }}
),

balances as (
  select * from {{ ref('fct_payroll_balances') }}
),

carried as (
  select
    balance_key,
    carried_in_amount,
    coalesce(lag(carried_out_amount) over (
      partition by payee_id, currency_code
      order by cycle_number
    ), 0) as carried_out_before_amount
  from balances
),

ledger as (
  select
    payee_id,
    currency_code,
    sum(line_amount) as line_amount
  from {{ ref('fct_ledger_lines') }}
  group by payee_id, currency_code
),

payments as (
  select
    payee_id,
    currency_code,
    sum(line_amount) as line_amount
  from {{ ref('stg_books__exported_lines') }}
  where line_kind_code = 'payment'
  group by payee_id, currency_code
),

totals as (
  select
    payee_id,
    currency_code,
    sum(ledger_amount) as ledger_amount,
    sum(exported_amount) as exported_amount
  from reconciliation
  group by payee_id, currency_code
)

select reconciliation_key as difference_key
from reconciliation
where
  payout_difference_amount <> 0
  or ledger_difference_amount <> 0
  or payroll_difference_amount <> 0
union all
select balance_key as difference_key
from carried
where carried_in_amount <> carried_out_before_amount
union all
select coalesce(totals.payee_id, ledger.payee_id) as difference_key
from totals
full outer join ledger
  on
    totals.payee_id = ledger.payee_id
    and totals.currency_code = ledger.currency_code
where coalesce(totals.ledger_amount, 0) <> coalesce(ledger.line_amount, 0)
union all
select coalesce(totals.payee_id, payments.payee_id) as difference_key
from totals
full outer join payments
  on
    totals.payee_id = payments.payee_id
    and totals.currency_code = payments.currency_code
where coalesce(totals.exported_amount, 0) <> coalesce(payments.line_amount, 0)
