-- Parts each payment of QuickBooks over the invoices that its lines name. Credit memos that the same payment uses up cover
-- the first of its invoice lines; the rest of each line is money. Lines over other transactions (journal entries, checks)
-- are not read.
-- Grain: one row per payment and invoice.
{{ config(enabled=var('billing_system') == 'quickbooks') }}

with

payments as (
  {{ current_rows(source('quickbooks', 'Payment'), ['"Id"']) }}
),

lines as (
  select
    "Id" as payment_id,
    unnest(from_json("Line", '["JSON"]')) as payment_line,
    generate_subscripts(from_json("Line", '["JSON"]'), 1) as line_number
  from payments
),

linked as (
  select
    payment_id,
    line_number,
    (payment_line ->> 'Amount')::decimal(28, 8) as amount,
    payment_line -> 'LinkedTxn' -> 0 ->> 'TxnType' as linked_type,
    payment_line -> 'LinkedTxn' -> 0 ->> 'TxnId' as linked_id
  from lines
),

memos as (
  select
    payment_id,
    sum(amount) as memo_amount
  from linked
  where linked_type = 'CreditMemo'
  group by payment_id
),

invoice_lines as (
  select
    *,
    sum(amount) over (
      partition by payment_id
      order by line_number
      rows between unbounded preceding and current row
    ) - amount as before_amount
  from linked
  where linked_type = 'Invoice'
),

parted as (
  select
    invoice_lines.payment_id,
    invoice_lines.linked_id as invoice_id,
    invoice_lines.amount,
    greatest(
      least(coalesce(memos.memo_amount, 0) - invoice_lines.before_amount, invoice_lines.amount), 0
    ) as memo_amount
  from invoice_lines
  left join memos on invoice_lines.payment_id = memos.payment_id
)

select
  payment_id,
  invoice_id,
  sum(amount - memo_amount) as paid_amount,
  sum(memo_amount) as memo_amount
from parted
group by
  payment_id,
  invoice_id
