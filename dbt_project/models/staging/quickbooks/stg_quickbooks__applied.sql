-- Parts each payment of QuickBooks over the invoices that its lines name. What is not money covers the first of its invoice
-- lines: credit memos that the same payment uses up, then what the invoice lines have beyond the memos and TotalAmt -
-- UnappliedAmt, which journal entries write off as far as the payment has lines over them. The rest of each line is money.
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

sides as (
  select
    linked.payment_id,
    sum(case when linked.linked_type = 'CreditMemo' then linked.amount else 0 end) as memo_amount,
    sum(case when linked.linked_type = 'Invoice' then linked.amount else 0 end) as invoice_amount,
    sum(case when linked.linked_type not in ('CreditMemo', 'Invoice') then linked.amount else 0 end) as other_amount
  from linked
  group by linked.payment_id
),

not_money as (
  select
    sides.payment_id,
    sides.memo_amount,
    sides.other_amount,
    greatest(
      coalesce(
        sides.invoice_amount - sides.memo_amount - (payments."TotalAmt" - coalesce(payments."UnappliedAmt", 0)), 0
      ),
      0
    ) as unpaid_amount
  from sides
  inner join payments on sides.payment_id = payments."Id"
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
    greatest(least(not_money.memo_amount - invoice_lines.before_amount, invoice_lines.amount), 0) as memo_amount,
    greatest(
      least(
        not_money.memo_amount + least(not_money.unpaid_amount, not_money.other_amount) - invoice_lines.before_amount,
        invoice_lines.amount
      ),
      0
    ) as memo_or_written_off_amount,
    greatest(
      least(not_money.memo_amount + not_money.unpaid_amount - invoice_lines.before_amount, invoice_lines.amount), 0
    ) as not_money_amount
  from invoice_lines
  inner join not_money on invoice_lines.payment_id = not_money.payment_id
)

select
  payment_id,
  invoice_id,
  sum(amount - not_money_amount) as paid_amount,
  sum(memo_amount) as memo_amount,
  sum(memo_or_written_off_amount - memo_amount) as written_off_amount
from parted
group by
  payment_id,
  invoice_id
