-- Lists what went back to customers, in Stripe's smallest units: refunds, disputes that were lost, and the part of a credit
-- note on a paid invoice that no refund pays out (credited to the customer's balance, or returned outside of Stripe). The
-- part of a credit note on what was still unpaid is a credit memo: it lowers what is due, and no money went back.
-- The invoice is the one that was paid by the same payment; where that paid several, none is named.
-- Grain: one row per return. Rule: docs/rules/payouts.md
{{ config(enabled=var('billing_system') == 'stripe') }}

with

invoice_payments as (
  {{ current_rows(source('stripe', 'invoice_payments'), ['id']) }}
),

refunds as (
  {{ current_rows(source('stripe', 'refunds'), ['id']) }}
),

disputes as (
  {{ current_rows(source('stripe', 'disputes'), ['id']) }}
),

credit_notes as (
  {{ current_rows(source('stripe', 'credit_notes'), ['id']) }}
),

sources as (
  select
    coalesce(payment::json ->> 'payment_intent', payment::json ->> 'charge') as source_id,
    invoice
  from invoice_payments
),

paid_invoices as (
  select
    source_id,
    min(invoice) as invoice_id
  from sources
  group by source_id
  having count(distinct invoice) = 1
),

taken_back as (
  select
    id,
    charge,
    payment_intent,
    currency,
    amount,
    created,
    is_deleted_in_source,
    _source_file,
    _source_row
  from refunds
  where status = 'succeeded'
  union all
  select
    id,
    charge,
    payment_intent,
    currency,
    amount,
    created,
    is_deleted_in_source,
    _source_file,
    _source_row
  from disputes
  where status = 'lost'
),

of_payments as (
  select
    taken_back.id as return_id,
    'refund' as kind,
    paid_invoices.invoice_id,
    taken_back.currency,
    taken_back.amount,
    taken_back.created as returned_at,
    taken_back.is_deleted_in_source,
    taken_back._source_file,
    taken_back._source_row
  from taken_back
  left join paid_invoices on paid_invoices.source_id in (taken_back.payment_intent, taken_back.charge)
),

issued as (
  select
    *,
    coalesce(effective_at, created) as returned_at
  from credit_notes
  where status = 'issued'
),

credited as (
  select
    id as return_id,
    'refund' as kind,
    invoice as invoice_id,
    currency,
    post_payment_amount
    - coalesce(list_sum((refunds::json -> '$[*].amount_refunded')::bigint[]), 0)::bigint as amount,
    returned_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from issued
),

unpaid as (
  select
    id || '|unpaid' as return_id,
    'credit_memo' as kind,
    invoice as invoice_id,
    currency,
    pre_payment_amount as amount,
    returned_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from issued
)

select * from of_payments
union all
select * from credited
where amount is distinct from 0
union all
select * from unpaid
where amount is distinct from 0
