-- Says how much of each invoice QuickBooks itself holds for settled: TotalAmt less Balance, which counts payments, credit
-- memos, the invoice's deposit and journal entries; and how much of it was written off.
-- Grain: one row per invoice. Rule: docs/rules/ledger.md
{{ config(enabled=var('billing_system') == 'quickbooks') }}

with

bills as (
  select * from {{ ref('stg_quickbooks__bills') }}
),

applied as (
  select * from {{ ref('stg_quickbooks__applied') }}
),

written_off as (
  select
    invoice_id,
    sum(written_off_amount) as written_off_amount
  from applied
  group by invoice_id
)

select
  bills.invoice_id,
  bills.total_amount - bills.open_amount as settled_amount,
  coalesce(written_off.written_off_amount, 0) as written_off_amount,
  true as counts_memos
from bills
left join written_off on bills.invoice_id = written_off.invoice_id
where
  bills.entity = 'invoice'
  and not bills.is_deleted_in_source
