-- Gives Stripe's finished invoices the fields of the billing extracts: amounts in the currency, tax and freight apart, the
-- deal of the metadata, else of the metadata of the subscription that the invoice is for. An amount whose currency is
-- unknown is empty.
-- Grain: one row per invoice.
{{ config(enabled=var('billing_system') == 'stripe') }}

with

invoices as (
  {{ current_rows(source('stripe', 'invoices'), ['id']) }}
),

units as (
  select * from {{ ref('stg_stripe__units') }}
),

parted as (
  select
    *,
    total_excluding_tax - coalesce(amount_shipping, 0) as subtotal_units,
    total - total_excluding_tax as tax_units,
    coalesce(amount_shipping, 0) as freight_units
  from invoices
  where status <> 'draft'
)

select
  parted.id as invoice_id,
  coalesce(
    nullif(parted.metadata::json ->> 'opportunity_id', ''),
    nullif(parted.parent::json -> 'subscription_details' -> 'metadata' ->> 'opportunity_id', '')
  ) as opportunity_id,
  parted.customer as customer_id,
  (coalesce(parted.effective_at, parted.created) at time zone '{{ var("billing_time_zone") }}')::date as invoice_date,
  (parted.due_date at time zone '{{ var("billing_time_zone") }}')::date as due_date,
  upper(parted.currency) as currency_code,
  {{ ratio('parted.subtotal_units', 'units.unit_count', 0, 0) }} as subtotal_amount,
  {{ ratio('parted.tax_units', 'units.unit_count', 0, 0) }} as tax_amount,
  {{ ratio('parted.freight_units', 'units.unit_count', 0, 0) }} as freight_amount,
  {{ ratio('parted.total', 'units.unit_count', 0, 0) }} as total_amount,
  parted.status,
  parted.is_deleted_in_source,
  parted._source_file,
  parted._source_row
from parted
left join units on parted.currency = units.currency
