-- Gives receipts and returns the fields of the billing extracts: one signed amount in the currency. An amount whose currency
-- is unknown is empty.
-- Grain: one row per payment, refund or credit memo. Rule: docs/rules/payouts.md
{{ config(enabled=var('billing_system') == 'stripe') }}

with

receipts as (
  select * from {{ ref('stg_stripe__receipts') }}
),

returns as (
  select * from {{ ref('stg_stripe__returns') }}
),

units as (
  select * from {{ ref('stg_stripe__units') }}
),

signed as (
  select
    receipt_id as payment_id,
    case when amount < 0 then 'refund' else 'payment' end as kind,
    invoice_id,
    currency,
    amount,
    paid_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from receipts
  union all
  select
    return_id as payment_id,
    kind,
    invoice_id,
    currency,
    -amount as amount,
    returned_at as paid_at,
    is_deleted_in_source,
    _source_file,
    _source_row
  from returns
)

select
  signed.payment_id,
  signed.invoice_id,
  signed.kind,
  (signed.paid_at at time zone '{{ var("billing_time_zone") }}')::date as paid_date,
  upper(signed.currency) as currency_code,
  {{ ratio('signed.amount', 'units.unit_count', 0, 0) }} as amount,
  signed.is_deleted_in_source,
  signed._source_file,
  signed._source_row
from signed
left join units on signed.currency = units.currency
