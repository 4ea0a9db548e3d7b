-- Gives the money of QuickBooks the fields of the billing extracts: payments by invoice, credit memos as far as they are
-- applied to invoices, what a payment leaves unapplied, deposits that stand on an invoice itself, and sales and refund
-- receipts, which are paid at once. What journal entries write off is not money.
-- Grain: one row per payment, refund or credit memo. Rule: docs/rules/payouts.md
{{ config(enabled=var('billing_system') == 'quickbooks') }}

with

payments as (
  {{ current_rows(source('quickbooks', 'Payment'), ['"Id"']) }}
),

applied as (
  select * from {{ ref('stg_quickbooks__applied') }}
),

bills as (
  select * from {{ ref('stg_quickbooks__bills') }}
),

parts as (
  select
    payment_id,
    payment_id || '|' || invoice_id as part_id,
    invoice_id,
    'payment' as kind,
    paid_amount as amount
  from applied
  union all
  select
    payment_id,
    payment_id || '|' || invoice_id || '|memo' as part_id,
    invoice_id,
    'credit_memo' as kind,
    -memo_amount as amount
  from applied
  union all
  select
    "Id" as payment_id,
    "Id" || '|unapplied' as part_id,
    null as invoice_id,
    'payment' as kind,
    "UnappliedAmt" as amount
  from payments
),

of_payments as (
  select
    parts.part_id as payment_id,
    parts.invoice_id,
    parts.kind,
    payments."TxnDate" as paid_date,
    payments."CurrencyRef"::json ->> 'value' as currency_code,
    parts.amount,
    payments.is_deleted_in_source,
    payments._source_file,
    payments._source_row
  from parts
  inner join payments on parts.payment_id = payments."Id"
),

of_receipts as (
  select
    invoice_id as payment_id,
    invoice_id,
    case when entity = 'sales_receipt' then 'payment' else 'refund' end as kind,
    invoice_date as paid_date,
    currency_code,
    case when entity = 'sales_receipt' then total_amount else -total_amount end as amount,
    is_deleted_in_source,
    _source_file,
    _source_row
  from bills
  where entity <> 'invoice'
),

deposits as (
  select
    'Invoice|' || invoice_id || '|deposit' as payment_id,
    invoice_id,
    'payment' as kind,
    invoice_date as paid_date,
    currency_code,
    deposit_amount as amount,
    is_deleted_in_source,
    _source_file,
    _source_row
  from bills
),

united as (
  select * from of_payments
  union all
  select * from deposits
  union all
  select * from of_receipts
)

select *
from united
where amount <> 0
