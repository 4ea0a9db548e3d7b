-- Billing says that another amount of an invoice is paid than what counts here. The payments that were found count until the
-- reason is settled: see rpt_billing_differences.
{{ config(severity='warn') }}

select
  source_system,
  invoice_id,
  deal_id,
  currency_code,
  settled_amount,
  counted_amount,
  difference_amount,
  reason_code
from {{ ref('rpt_billing_differences') }}
where reason_code <> 'written_off'
