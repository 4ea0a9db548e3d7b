-- Says how much of each invoice NetSuite itself holds for settled: its total less the unpaid amount, which counts payments,
-- deposits, credit memos and journal entries; and how much of it journal entries have written off.
-- Grain: one row per invoice. Rule: docs/rules/ledger.md
{{ config(enabled=var('billing_system') == 'netsuite') }}

with

transactions as (
  {{ current_rows(source('netsuite', 'transaction'), ['id']) }}
),

applied as (
  select * from {{ ref('stg_netsuite__applied') }}
),

written_off as (
  select
    applied.applied_to_id as invoice_id,
    sum(applied.amount) as written_off_amount
  from applied
  inner join transactions on applied.transaction_id = transactions.id
  where transactions."type" = 'Journal'
  group by applied.applied_to_id
)

select
  transactions.id as invoice_id,
  abs(transactions.foreigntotal) - abs(coalesce(transactions.foreignamountunpaid, 0)) as settled_amount,
  coalesce(written_off.written_off_amount, 0) as written_off_amount,
  true as counts_memos
from transactions
left join written_off on transactions.id = written_off.invoice_id
where
  transactions."type" = 'CustInvc'
  and transactions.posting
  and not coalesce(transactions.voided, false)
  and not transactions.is_deleted_in_source
