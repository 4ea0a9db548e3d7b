-- Gives the money of NetSuite the fields of the billing extracts: what payments and deposits have paid of invoices, credit
-- memos as far as they are applied to invoices, refunds of credit memos to the invoice that the memo was made from, what a
-- payment leaves unapplied, and cash sales and cash refunds, which are paid at once. Journal entries are not money.
-- Grain: one row per payment, refund or credit memo. Rule: docs/rules/payouts.md
{{ config(enabled=var('billing_system') == 'netsuite') }}

with

transactions as (
  {{ current_rows(source('netsuite', 'transaction'), ['id']) }}
),

currencies as (
  {{ current_rows(source('netsuite', 'currency'), ['id']) }}
),

applied as (
  select * from {{ ref('stg_netsuite__applied') }}
),

invoices as (
  select * from {{ ref('stg_netsuite__invoices') }}
),

applied_totals as (
  select
    transaction_id,
    sum(amount) as amount
  from applied
  group by transaction_id
),

parts as (
  select
    applied.transaction_id,
    applied.transaction_id || '|' || applied.applied_to_id as payment_id,
    case when memos.id is null then applied.applied_to_id else memos.createdfrom end as invoice_id,
    case transactions."type" when 'CustCred' then 'credit_memo' when 'CustRfnd' then 'refund' else 'payment' end as kind,
    case when transactions."type" in ('CustCred', 'CustRfnd') then -applied.amount else applied.amount end as amount
  from applied
  inner join transactions on applied.transaction_id = transactions.id
  left join invoices on applied.applied_to_id = invoices.invoice_id
  left join transactions as memos on applied.applied_to_id = memos.id and memos."type" = 'CustCred'
  where
    (transactions."type" in ('CustPymt', 'DepAppl', 'CustCred') and invoices.invoice_id is not null)
    or (transactions."type" = 'CustRfnd' and memos.id is not null)
  union all
  select
    transactions.id as transaction_id,
    transactions.id || '|unapplied' as payment_id,
    null as invoice_id,
    'payment' as kind,
    abs(transactions.foreigntotal) - coalesce(applied_totals.amount, 0) as amount
  from transactions
  left join applied_totals on transactions.id = applied_totals.transaction_id
  where
    transactions."type" = 'CustPymt'
    and abs(transactions.foreigntotal) > coalesce(applied_totals.amount, 0)
  union all
  select
    id as transaction_id,
    id as payment_id,
    id as invoice_id,
    case when "type" = 'CashSale' then 'payment' else 'refund' end as kind,
    case when "type" = 'CashSale' then abs(foreigntotal) else -abs(foreigntotal) end as amount
  from transactions
  where "type" in ('CashSale', 'CashRfnd')
)

select
  parts.payment_id,
  parts.invoice_id,
  parts.kind,
  transactions.trandate as paid_date,
  currencies.symbol as currency_code,
  parts.amount,
  transactions.is_deleted_in_source,
  transactions._source_file,
  transactions._source_row
from parts
inner join transactions on parts.transaction_id = transactions.id
left join currencies on transactions.currency = currencies.id
where
  parts.amount <> 0
  and transactions.posting
  and not coalesce(transactions.voided, false)
