-- Says how much of each invoice Stripe itself holds for paid: amount_paid, which counts what was paid outside of Stripe,
-- and what the invoice took from the customer's balance. Stripe does not take refunds off it.
-- Grain: one row per invoice. Rule: docs/rules/ledger.md
{{ config(enabled=var('billing_system') == 'stripe') }}

with

invoices as (
  {{ current_rows(source('stripe', 'invoices'), ['id']) }}
),

units as (
  select * from {{ ref('stg_stripe__units') }}
),

settled as (
  select
    id as invoice_id,
    currency,
    amount_paid + greatest(coalesce(ending_balance - starting_balance, 0), 0) as settled_units
  from invoices
  where
    status not in ('draft', 'void')
    and not is_deleted_in_source
)

select
  settled.invoice_id,
  {{ ratio('settled.settled_units', 'units.unit_count', 0, 0) }} as settled_amount,
  0 as written_off_amount,
  false as counts_memos
from settled
left join units on settled.currency = units.currency
