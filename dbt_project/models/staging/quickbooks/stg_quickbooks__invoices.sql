-- Gives the bills of QuickBooks the fields of the billing extracts: the subtotal without tax and shipping.
-- Grain: one row per invoice, sales receipt or refund receipt.
{{ config(enabled=var('billing_system') == 'quickbooks') }}

with

bills as (
  select * from {{ ref('stg_quickbooks__bills') }}
)

select
  invoice_id,
  opportunity_id,
  customer_id,
  invoice_date,
  due_date,
  currency_code,
  total_amount - tax_amount - freight_amount as subtotal_amount,
  tax_amount,
  freight_amount,
  total_amount,
  case
    when is_voided then 'void'
    when open_amount = 0 then 'paid'
    else 'open'
  end as status,
  is_deleted_in_source,
  _source_file,
  _source_row
from bills
