-- Lists what customers have paid, in Stripe's smallest units: payments of invoices, what a paid invoice says beyond them (it
-- was paid outside of Stripe), charges that belong to no invoice, and what an invoice took from (or, if negative, put on)
-- the customer's balance when it was finalized.
-- Grain: one row per receipt.
{{ config(enabled=var('billing_system') == 'stripe') }}

with

invoices as (
  {{ current_rows(source('stripe', 'invoices'), ['id']) }}
),

invoice_payments as (
  {{ current_rows(source('stripe', 'invoice_payments'), ['id']) }}
),

charges as (
  {{ current_rows(source('stripe', 'charges'), ['id']) }}
),

paid as (
  select
    id as receipt_id,
    invoice as invoice_id,
    currency,
    amount_paid as amount,
    to_timestamp((status_transitions::json ->> 'paid_at')::bigint) as paid_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from invoice_payments
  where status = 'paid'
),

sources as (
  select distinct coalesce(payment::json ->> 'payment_intent', payment::json ->> 'charge') as source_id
  from invoice_payments
),

without_invoice as (
  select
    charges.id as receipt_id,
    null as invoice_id,
    charges.currency,
    charges.amount_captured as amount,
    charges.created as paid_at,
    charges.is_deleted_in_source,
    charges._source_file,
    charges._source_row
  from charges
  left join sources on sources.source_id in (charges.id, charges.payment_intent)
  where
    charges.status = 'succeeded'
    and charges.captured
    and sources.source_id is null
),

balances as (
  select
    id || '|balance' as receipt_id,
    id as invoice_id,
    currency,
    ending_balance - starting_balance as amount,
    to_timestamp((status_transitions::json ->> 'finalized_at')::bigint) as paid_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from invoices
  where
    ending_balance <> starting_balance
    and status not in ('draft', 'void')
),

paid_totals as (
  select
    invoice_id,
    sum(amount) as amount
  from paid
  where not is_deleted_in_source
  group by invoice_id
),

outside as (
  select
    invoices.id || '|outside' as receipt_id,
    invoices.id as invoice_id,
    invoices.currency,
    invoices.amount_paid - coalesce(paid_totals.amount, 0) as amount,
    to_timestamp((invoices.status_transitions::json ->> 'paid_at')::bigint) as paid_at,
    invoices.is_deleted_in_source,
    invoices._source_file,
    invoices._source_row
  from invoices
  left join paid_totals on invoices.id = paid_totals.invoice_id
  where
    invoices.status = 'paid'
    and invoices.amount_paid > coalesce(paid_totals.amount, 0)
)

select * from paid
union all
select * from outside
union all
select * from without_invoice
union all
select * from balances
