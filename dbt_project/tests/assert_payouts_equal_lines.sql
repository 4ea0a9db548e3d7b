-- Invariant 3: payouts add up to the ledger's lines, by payee, plan, month and currency, to the cent.
with

lines as (
  select
    payee_id,
    plan_id,
    posted_period_code as period_code,
    currency_code,
    sum(line_amount) as line_amount,
    count(*) as line_count
  from {{ ref('fct_ledger_lines') }}
  group by payee_id, plan_id, posted_period_code, currency_code
),

payouts as (
  select * from {{ ref('fct_payouts') }}
)

select
  coalesce(lines.payee_id, payouts.payee_id) as payee_id,
  coalesce(lines.period_code, payouts.period_code) as period_code,
  lines.line_amount,
  payouts.payout_amount
from lines
full outer join payouts
  on
    lines.payee_id = payouts.payee_id
    and lines.plan_id = payouts.plan_id
    and lines.period_code = payouts.period_code
    and lines.currency_code = payouts.currency_code
where
  lines.line_amount is distinct from payouts.payout_amount
  or lines.line_count is distinct from payouts.line_count
