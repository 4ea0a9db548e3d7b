-- Invariant 6: all that was ever posted of a line, closed and open, is what today's data and plans owe by it.
with

ledger_lines as (
  select
    line_key,
    sum(line_amount) as line_amount
  from {{ ref('fct_ledger_lines') }}
  group by line_key
),

entitlements as (
  select * from {{ ref('int_ledger__entitlements') }}
)

select
  coalesce(ledger_lines.line_key, entitlements.line_key) as line_key,
  ledger_lines.line_amount as posted_amount,
  entitlements.line_amount as owed_amount
from ledger_lines
full outer join entitlements on ledger_lines.line_key = entitlements.line_key
where coalesce(ledger_lines.line_amount, 0) <> coalesce(entitlements.line_amount, 0)
