-- Lists what QuickBooks bills or gives back by itself: invoices, sales receipts, which are paid at once, and refund
-- receipts; tax and shipping apart.
-- Grain: one row per invoice, sales receipt or refund receipt.
{{ config(enabled=var('billing_system') == 'quickbooks') }}

with

invoices as (
  {{ current_rows(source('quickbooks', 'Invoice'), ['"Id"']) }}
),

sales_receipts as (
  {{ current_rows(source('quickbooks', 'SalesReceipt'), ['"Id"']) }}
),

refund_receipts as (
  {{ current_rows(source('quickbooks', 'RefundReceipt'), ['"Id"']) }}
),

united as (
  select
    'invoice' as entity,
    "Id" as invoice_id,
    "DueDate" as due_date,
    "Balance" as open_amount,
    coalesce("Deposit", 0) as deposit_amount,
    {{ quickbooks_bill_columns() }}
  from invoices
  union all
  select
    'sales_receipt' as entity,
    'SalesReceipt|' || "Id" as invoice_id,
    "TxnDate" as due_date,
    0 as open_amount,
    0 as deposit_amount,
    {{ quickbooks_bill_columns() }}
  from sales_receipts
  union all
  select
    'refund_receipt' as entity,
    'RefundReceipt|' || "Id" as invoice_id,
    "TxnDate" as due_date,
    0 as open_amount,
    0 as deposit_amount,
    {{ quickbooks_bill_columns() }}
  from refund_receipts
),

lines as (
  select
    invoice_id,
    unnest(from_json(lines, '["JSON"]')) as bill_line
  from united
),

shipping as (
  select
    invoice_id,
    sum((bill_line ->> 'Amount')::decimal(28, 8)) as freight_amount
  from lines
  where (bill_line -> 'SalesItemLineDetail' -> 'ItemRef' ->> 'value') = 'SHIPPING_ITEM_ID'
  group by invoice_id
)

select
  united.entity,
  united.invoice_id,
  united.opportunity_id,
  united.customer_id,
  united.invoice_date,
  united.due_date,
  united.currency_code,
  united.tax_amount,
  coalesce(shipping.freight_amount, 0) as freight_amount,
  united.total_amount,
  united.open_amount,
  united.deposit_amount,
  united.is_voided,
  united.is_deleted_in_source,
  united._source_file,
  united._source_row
from united
left join shipping on united.invoice_id = shipping.invoice_id
